// Runs the lines of a file of test vectors whose `fn` is commitStatusExpr, as
// Flux runs them: `in` is the expression; `out` what it gives, or `err` what
// Flux says: cel_vectors FILE.

#include <fstream>
#include <iostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "boost/json/object.hpp"
#include "boost/json/parse.hpp"
#include "google/protobuf/util/json_util.h"
#include "services/dispatcher/cel/cel.h"
#include "services/dispatcher/cel/cel_struct.h"

namespace lamplighter::dispatcher {
namespace {

namespace json = boost::json;

// What the vectors were made with.
constexpr absl::string_view kEvent = R"({
  "involvedObject": {"kind": "Kustomization", "name": "apps"},
  "severity": "info", "message": "msg", "reason": "ReconciliationSucceeded",
  "metadata": {"cluster": "prod-1", "foo": "bar", "revision": "main@sha1:0"}
})";
constexpr absl::string_view kAlert =
    R"({"metadata": {"name": "al", "labels": {"env": "prod"}}, "spec": {}})";
constexpr absl::string_view kProvider =
    R"({"metadata": {"name": "github-status"}, "spec": {"type": "github"}})";

CelValue FromJson(absl::string_view text) {
  google::protobuf::Struct object;
  const auto status =
      google::protobuf::util::JsonStringToMessage(std::string(text), &object);
  if (!status.ok()) std::cerr << status << "\n";
  return CelValueFromStruct(object);
}

std::string Text(const json::object& line, const char* field) {
  const json::value* const value = line.if_contains(field);
  return value != nullptr && value->is_string()
             ? std::string(*value->if_string())
             : "";
}

// Ok where it does what Flux does; else what is different.
absl::Status Check(const json::object& line) {
  CelOptions options;
  options.variables = {{"event"}, {"alert"}, {"provider"}};
  options.result = CelType(CelType::Kind::kString);
  const std::string wanted = Text(line, "err");
  const auto expression = CelExpression::Compile(Text(line, "in"), options);
  if (!expression.ok()) {
    // Syntax errors are in other words, but at the same place.
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(expression.status().message(), absl::MaxSplits(": ", 1));
    return absl::StartsWith(wanted, "failed to compile") &&
                   (absl::StrContains(wanted, parts.second) ||
                    absl::StrContains(wanted, parts.first))
               ? absl::OkStatus()
               : expression.status();
  }
  const auto result = (*expression)
                          ->Evaluate({{"event", FromJson(kEvent)},
                                      {"alert", FromJson(kAlert)},
                                      {"provider", FromJson(kProvider)}});
  if (!result.ok()) {
    return absl::StartsWith(wanted, "failed to evaluate") &&
                   absl::EndsWith(wanted, result.status().message())
               ? absl::OkStatus()
               : result.status();
  }
  if (wanted.empty() && result->string_value() == Text(line, "out")) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("gives ", result->string_value()));
}

int Main(const char* path) {
  std::ifstream file(path);
  int right = 0;
  int wrong = 0;
  for (std::string text; std::getline(file, text);) {
    boost::json::error_code error;
    const json::value line = json::parse(text, error);
    if (error || !line.is_object() ||
        Text(*line.if_object(), "fn") != "commitStatusExpr") {
      continue;
    }
    const absl::Status status = Check(*line.if_object());
    ++(status.ok() ? right : wrong);
    if (!status.ok()) std::cout << text << "\n    " << status << "\n";
  }
  std::cout << "right " << right << ", wrong " << wrong << "\n";
  return right > 0 && wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace lamplighter::dispatcher

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: cel_vectors FILE\n";
    return 2;
  }
  return lamplighter::dispatcher::Main(argv[1]);
}
