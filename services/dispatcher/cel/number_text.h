#pragma once

#include <string>

namespace lamplighter::dispatcher::cel {

// Doubles as Go writes them, since users compare with what Flux shows them.

// Shortest digits that read back the same: 1.5, 1e+06, +Inf, NaN.
std::string ShortestText(double value);
// The same, never with an exponent: 1000000. Infinities as Infinity.
std::string PlainText(double value);
// With so many digits behind the point, at most 100: 1.50.
std::string FixedText(double value, int precision);
std::string ScientificText(double value, int precision);
// As JSON: an exponent only for what is very large or very small. Of finite
// values.
std::string JsonText(double value);

}  // namespace lamplighter::dispatcher::cel
