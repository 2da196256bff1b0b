// Runs CEL's public conformance tests against CelExpression. `run` beside it
// calls it: cel_conformance MODULE SCHEMA [FILE|all]. With FILE, says what each
// failing test of that file gave.

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/json/object.hpp"
#include "services/dispatcher/cel/cel.h"
#include "services/dispatcher/cel/conformance/cases.h"
#include "services/dispatcher/cel/equality.h"

namespace lamplighter::dispatcher::cel {
namespace {

namespace json = boost::json;
using Kind = CelValue::Kind;

const json::object* Field(const json::object& parent, const char* name) {
  const json::value* const value = parent.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

// Why tests do not apply: all that is left out is left out by one of these.

bool NeedsOtherFunctions(const Case& test) {
  for (const absl::string_view file :
       {"bindings_ext", "block_ext", "lists_ext", "macros2", "math_ext",
        "network_ext", "proto2_ext"}) {
    if (test.file == file) return true;
  }
  return false;
}

bool NeedsMessages(const Case& test) {
  for (const absl::string_view file : {"enums", "proto2", "proto3"}) {
    if (test.file == file) return true;
  }
  const std::string expr = test.Text("expr");
  return absl::StrContains(expr, "TestAllTypes") ||
         absl::StrContains(expr, "NestedTestAllTypes") ||
         (absl::StrContains(expr, "google.protobuf.") &&
          absl::StrContains(expr, "{"));
}

bool NeedsContainer(const Case& test) {
  return !test.Text("container").empty();
}

// Variables that are messages or wrappers, and functions.
bool NeedsOtherTypes(const Case& test) {
  const json::value* const declarations = test.test.if_contains("type_env");
  if (declarations != nullptr) {
    for (const json::value& declaration : *declarations->if_array()) {
      const json::object* const ident =
          Field(*declaration.if_object(), "ident");
      if (ident == nullptr || Field(*ident, "type") == nullptr ||
          !ReadType(*Field(*ident, "type")).has_value()) {
        return true;
      }
    }
  }
  if (const json::object* const bindings = Field(test.test, "bindings")) {
    for (const auto& binding : *bindings) {
      const json::object* const value =
          Field(*binding.value().if_object(), "value");
      if (value == nullptr || !ReadValue(*value).has_value()) return true;
    }
  }
  return false;
}

// Results that are messages, enums or unknown values.
bool NeedsOtherResult(const Case& test) {
  if (test.test.if_contains("unknown") != nullptr ||
      test.test.if_contains("any_unknowns") != nullptr) {
    return true;
  }
  if (const json::object* const typed = Field(test.test, "typed_result")) {
    const json::object* const type = Field(*typed, "deduced_type");
    if (type != nullptr && !ReadType(*type).has_value()) return true;
    const json::object* const result = Field(*typed, "result");
    return result != nullptr && !ReadValue(*result).has_value();
  }
  const json::object* const value = Field(test.test, "value");
  return value != nullptr && !ReadValue(*value).has_value();
}

struct Rule {
  absl::string_view reason;
  bool (*applies)(const Case& test);
};

constexpr Rule kNotApplicable[] = {
    {"needs functions that Flux does not have", &NeedsOtherFunctions},
    {"needs protobuf messages or enums", &NeedsMessages},
    {"needs a container of names", &NeedsContainer},
    {"needs variables of other types", &NeedsOtherTypes},
    {"needs a result of another type", &NeedsOtherResult},
};

// The same kind, not only equal: 1 is not 1u, but NaN is NaN.
bool Same(const CelValue& a, const CelValue& b) {
  if (a.kind() != b.kind()) return false;
  if (a.Is(Kind::kList)) {
    return std::equal(a.list_value().begin(), a.list_value().end(),
                      b.list_value().begin(), b.list_value().end(), &Same);
  }
  if (a.Is(Kind::kMap)) {
    return std::equal(a.map_value().begin(), a.map_value().end(),
                      b.map_value().begin(), b.map_value().end(),
                      [](const CelMapEntry& left, const CelMapEntry& right) {
                        return Same(left.key, right.key) &&
                               Same(left.value, right.value);
                      });
  }
  if (a.Is(Kind::kDouble) && std::isnan(a.double_value())) {
    return std::isnan(b.double_value());
  }
  Budget budget(1'000'000, 0);
  const absl::StatusOr<bool> equal = Equal(a, b, budget);
  return equal.ok() && *equal;
}

CelOptions OptionsOf(const Case& test) {
  CelOptions options;
  options.mixed_literals = true;
  options.check = !test.Is("disable_check");
  if (const json::value* const declarations =
          test.test.if_contains("type_env")) {
    for (const json::value& declaration : *declarations->if_array()) {
      const json::object& object = *declaration.if_object();
      options.variables.push_back(
          {std::string(*object.at("name").if_string()),
           *ReadType(*Field(*Field(object, "ident"), "type"))});
    }
  }
  return options;
}

CelBindings BindingsOf(const Case& test) {
  CelBindings bindings;
  if (const json::object* const object = Field(test.test, "bindings")) {
    for (const auto& binding : *object) {
      bindings[std::string(binding.key())] =
          *ReadValue(*Field(*binding.value().if_object(), "value"));
    }
  }
  return bindings;
}

// Ok where the test passes; else what is wrong.
absl::Status Run(const Case& test) {
  const bool fails = test.test.if_contains("eval_error") != nullptr ||
                     test.test.if_contains("any_eval_errors") != nullptr;
  const auto expression =
      CelExpression::Compile(test.Text("expr"), OptionsOf(test));
  if (!expression.ok()) {
    // Names and constants are looked at before the expression runs.
    return fails ? absl::OkStatus() : expression.status();
  }
  const json::object* expected = Field(test.test, "value");
  if (const json::object* const typed = Field(test.test, "typed_result")) {
    expected = Field(*typed, "result");
    if (const json::object* const type = Field(*typed, "deduced_type")) {
      const CelType wanted = *ReadType(*type);
      if ((*expression)->type() != wanted) {
        return absl::FailedPreconditionError(
            absl::StrCat("type ", (*expression)->type().ToString(), ", not ",
                         wanted.ToString()));
      }
    }
  }
  if (test.Is("check_only")) return absl::OkStatus();
  const auto result = (*expression)->Evaluate(BindingsOf(test));
  if (fails) {
    return result.ok() ? absl::FailedPreconditionError("no error")
                       : absl::OkStatus();
  }
  if (!result.ok()) return result.status();
  // Without an expectation the result is true.
  const CelValue wanted =
      expected == nullptr ? CelValue::Bool(true) : *ReadValue(*expected);
  return Same(*result, wanted) ? absl::OkStatus()
                               : absl::FailedPreconditionError("another value");
}

struct Count {
  int passed = 0;
  int failed = 0;
  int not_applicable = 0;

  std::string Line() const {
    return absl::StrCat("passed ", passed, ", failed ", failed,
                        ", not applicable ", not_applicable);
  }
};

const Rule* FindRule(const Case& test) {
  for (const Rule& rule : kNotApplicable) {
    if (rule.applies(test)) return &rule;
  }
  return nullptr;
}

int Main(const std::string& module, const std::string& schema,
         const std::string& verbose) {
  const auto cases = ReadCases(module, schema);
  if (!cases.ok() || cases->empty()) {
    std::cerr << "no tests below " << module << ": " << cases.status() << "\n";
    return 2;
  }
  std::map<std::string, Count> files;
  std::map<std::string, int> reasons;
  Count total;
  for (const Case& test : *cases) {
    Count& file = files[test.file];
    if (const Rule* const rule = FindRule(test)) {
      ++file.not_applicable;
      ++total.not_applicable;
      ++reasons[std::string(rule->reason)];
      continue;
    }
    const absl::Status status = Run(test);
    ++(status.ok() ? file.passed : file.failed);
    ++(status.ok() ? total.passed : total.failed);
    if (!status.ok() && (verbose == test.file || verbose == "all")) {
      std::cout << test.file << "/" << test.section << "/" << test.Text("name")
                << ": " << test.Text("expr") << "\n    " << status.message()
                << "\n";
    }
  }
  for (const auto& [file, count] : files) {
    std::cout << file << ": " << count.Line() << "\n";
  }
  for (const auto& [reason, count] : reasons) {
    std::cout << "not applicable, " << reason << ": " << count << "\n";
  }
  std::cout << "total: " << total.Line() << "\n";
  return total.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace lamplighter::dispatcher::cel

int main(int argc, char** argv) {
  if (argc < 3 || argc > 4) {
    std::cerr << "usage: cel_conformance MODULE SCHEMA [FILE|all]\n";
    return 2;
  }
  return lamplighter::dispatcher::cel::Main(argv[1], argv[2],
                                            argc > 3 ? argv[3] : "");
}
