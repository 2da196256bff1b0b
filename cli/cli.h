#pragma once

#include <ostream>

namespace lamplighter::cli {

// lamplighterctl from its command line to its exit status: 0; 1 for a failure
// or a finding; 2 for a command line that is wrong. Data goes to `out`, talk to
// `err`.
int RunCli(int argc, const char* const* argv, std::ostream& out,
           std::ostream& err);

}  // namespace lamplighter::cli
