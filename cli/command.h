#pragma once

#include <functional>
#include <iosfwd>

#include "CLI/App.hpp"

namespace lamplighter::cli {

// How a command ends.
inline constexpr int kOk = 0;
inline constexpr int kFailure = 1;  // it says why on `err`
inline constexpr int kUsage = 2;    // the command line is wrong

// What a command does once its arguments are known: writes data to `out` and
// talk to `err`. Returns one of the above.
using Run = std::function<int(std::ostream& out, std::ostream& err)>;

// Adds a command below `group`, which sets `run` where the command line has the
// command. Both outlive it.
using AddCommand = void (*)(CLI::App& group, Run& run);

}  // namespace lamplighter::cli
