#include "services/dispatcher/cel/number_text.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>
#include <system_error>

#include "common/log/log.h"

namespace lamplighter::dispatcher::cel {
namespace {

// 309 digits before the point, 100 behind it.
constexpr size_t kLongest = 512;

template <typename... Format>
std::string ToChars(double value, Format... format) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char buffer[kLongest];
  const std::to_chars_result result =
      std::to_chars(buffer, buffer + kLongest, value, format...);
  LAMPLIGHTER_CHECK(result.ec == std::errc(), "a number is too long");
  return std::string(buffer, result.ptr);
}

// Of a text with one, such as 1.5e+06.
int Exponent(const std::string& text) {
  return std::atoi(text.c_str() + text.find('e') + 1);
}

}  // namespace

std::string ShortestText(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::string text = ToChars(value, std::chars_format::scientific);
  if (std::isnan(value)) return text;
  const int exponent = Exponent(text);
  return exponent < -4 || exponent >= 6 ? text : PlainText(value);
}

std::string PlainText(double value) {
  return ToChars(value, std::chars_format::fixed);
}

std::string FixedText(double value, int precision) {
  return ToChars(value, std::chars_format::fixed, precision);
}

std::string ScientificText(double value, int precision) {
  return ToChars(value, std::chars_format::scientific, precision);
}

std::string JsonText(double value) {
  const double size = std::abs(value);
  if (size == 0 || (size >= 1e-6 && size < 1e21)) return PlainText(value);
  std::string text = ToChars(value, std::chars_format::scientific);
  // 1e-07 is written 1e-7.
  const size_t exponent = text.find("e-0");
  if (exponent != std::string::npos) text.erase(exponent + 2, 1);
  return text;
}

}  // namespace lamplighter::dispatcher::cel
