#pragma once

#include <ostream>

namespace lamplighter::cli {

// lamplighterctl from its command line to its exit status, which is one of
// command.h. Data goes to `out`, talk to `err`.
int RunCli(int argc, const char* const* argv, std::ostream& out,
           std::ostream& err);

}  // namespace lamplighter::cli
