#include "common/app/app.h"
#include "services/dispatcher/dispatcher_app.h"

int main(int argc, char** argv) {
  return lamplighter::RunMain(
      argc, argv, {&lamplighter::dispatcher::MakeDispatcher}, {"dispatcher"});
}
