#include "tests/vectors/vector.h"

#include "absl/status/status.h"
#include "boost/json/parse.hpp"

namespace lamplighter::vectors {
namespace {

const boost::json::value* Find(const boost::json::value& parent,
                               absl::string_view field) {
  if (!parent.is_object()) return nullptr;
  return parent.get_object().if_contains(
      boost::json::string_view(field.data(), field.size()));
}

}  // namespace

Answer Refused(const absl::Status& why) { return {.error = why.ToString()}; }

absl::StatusOr<Vector> ParseVector(const std::string& line) {
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(line, error);
  if (error) return absl::InvalidArgumentError("is not JSON");
  Vector vector;
  vector.fn = Text(parsed, "fn");
  if (vector.fn.empty()) return absl::InvalidArgumentError("has no fn");
  if (const auto* in = Find(parsed, "in")) vector.in = *in;
  if (const auto* out = Find(parsed, "out")) vector.flux.value = *out;
  vector.flux.error = Text(parsed, "err");
  return vector;
}

bool Agree(const Answer& flux, const Answer& ours) {
  if (flux.refused() || ours.refused()) {
    return flux.refused() == ours.refused();
  }
  return flux.value == ours.value;
}

std::string Text(const boost::json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : "";
}

std::string Text(const boost::json::value& parent, absl::string_view field) {
  const boost::json::value* value = Find(parent, field);
  return value == nullptr ? "" : Text(*value);
}

boost::json::object Object(const boost::json::value& parent,
                           absl::string_view field) {
  const boost::json::value* value = Find(parent, field);
  if (value == nullptr || !value->is_object()) return {};
  return value->get_object();
}

}  // namespace lamplighter::vectors
