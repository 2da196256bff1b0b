#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/json/object.hpp"
#include "boost/json/value.hpp"

namespace lamplighter::vectors {

// What somebody makes of an input: a value, or a refusal.
struct Answer {
  boost::json::value value = {};
  std::string error = "";  // empty where the input was taken

  bool refused() const { return !error.empty(); }
};

Answer Refused(const absl::Status& why);

// An input, and what Flux's notification-controller made of it.
struct Vector {
  std::string fn;  // what was asked of it: "parseRevision", "wire gitlab"
  boost::json::value in;
  Answer flux;
};

// The same input as Flux and as Lamplighter see it, in one form.
struct Comparison {
  Answer flux;
  Answer ours;
};

// InvalidArgument, saying why, for what is no vector.
absl::StatusOr<Vector> ParseVector(const std::string& line);

// True where both refuse, in whatever words, or both make the same of it.
bool Agree(const Answer& flux, const Answer& ours);

// The string, or the field that is a string; empty for anything else.
std::string Text(const boost::json::value& value);
std::string Text(const boost::json::value& parent, absl::string_view field);

// The field that is an object; an empty one for anything else.
boost::json::object Object(const boost::json::value& parent,
                           absl::string_view field);

}  // namespace lamplighter::vectors
