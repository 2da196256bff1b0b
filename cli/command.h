#pragma once

#include <functional>
#include <iosfwd>

#include "CLI/App.hpp"

namespace lamplighter::cli {

// How a command ends.
inline constexpr int kOk = 0;
inline constexpr int kFailure = 1;   // it says why on `err`
inline constexpr int kUsage = 2;     // the command line is wrong
inline constexpr int kNotFound = 3;  // what was named is not there
inline constexpr int kAuth = 4;      // no proof of who calls, or not allowed
inline constexpr int kPartial = 5;   // some of it was done
inline constexpr int kTimedOut = 6;  // no answer in time

// What a command does once its arguments are known: writes data to `out` and
// talk to `err`. Returns one of the above.
using Run = std::function<int(std::ostream& out, std::ostream& err)>;

// Adds a command below `group`, which sets `run` where the command line has the
// command. Both outlive it.
using AddCommand = void (*)(CLI::App& group, Run& run);

}  // namespace lamplighter::cli
