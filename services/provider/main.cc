#include "common/app/app.h"
#include "services/provider/provider_app.h"

int main(int argc, char** argv) {
  return lamplighter::RunMain(
      argc, argv, {&lamplighter::provider::MakeProvider}, {"provider"});
}
