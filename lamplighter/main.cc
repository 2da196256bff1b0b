#include "common/app/app.h"
#include "lamplighter/lamplighter_app.h"

int main(int argc, char** argv) {
  return lamplighter::RunMain(argc, argv, {&lamplighter::MakeLamplighter},
                              {"ingest", "dispatcher", "provider", "reposync"});
}
