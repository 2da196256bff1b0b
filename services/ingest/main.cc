#include "common/app/app.h"
#include "services/ingest/ingest_app.h"

int main(int argc, char** argv) {
  return lamplighter::RunMain(argc, argv, {&lamplighter::ingest::MakeIngest},
                              {"ingest"});
}
