#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "boost/json/object.hpp"
#include "services/dispatcher/cel/cel_type.h"
#include "services/dispatcher/cel/cel_value.h"

namespace lamplighter::dispatcher::cel {

// One of CEL's conformance tests: a cel.expr.conformance.test.SimpleTest as
// JSON, by the names of its fields.
struct Case {
  std::string file;
  std::string section;
  boost::json::object test;

  std::string Text(const char* field) const;
  bool Is(const char* field) const;
};

// All of a checkout of the module cel.dev/expr, in the order of its files.
// `schema` is a file that protoc has made of the module's schema: see `run`.
absl::StatusOr<std::vector<Case>> ReadCases(const std::string& module,
                                            const std::string& schema);

// Of a cel.expr.Value; nothing where it is a message or an enum.
absl::optional<CelValue> ReadValue(const boost::json::object& value);
// Of a cel.expr.Type; nothing where it is none that Flux has.
absl::optional<CelType> ReadType(const boost::json::object& type);

}  // namespace lamplighter::dispatcher::cel
