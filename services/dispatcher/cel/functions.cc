#include "services/dispatcher/cel/functions.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/log/log.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Table = absl::flat_hash_map<std::string, Function>;

CelType ParseType(absl::string_view text) {
  auto type = CelType::Parse(text);
  LAMPLIGHTER_CHECK(type.ok(), "bad signature in a table of CEL functions");
  return *std::move(type);
}

// Cuts at the commas that are not within parentheses.
std::vector<absl::string_view> SplitParameters(absl::string_view text) {
  std::vector<absl::string_view> parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (text[i] == ',' && depth == 0) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 2;  // and the space
    }
  }
  if (!text.empty()) parts.push_back(text.substr(begin));
  return parts;
}

// Reads "string.(int) -> string".
Overload ParseOverload(const FunctionRow& row) {
  const std::pair<absl::string_view, absl::string_view> sides =
      absl::StrSplit(row.signature, absl::MaxSplits(" -> ", 1));
  Overload overload{.style = CallStyle::kGlobal,
                    .parameters = {},
                    .result = ParseType(sides.second),
                    .implementation = row.implementation};
  absl::string_view parameters = sides.first;
  if (const size_t dot = parameters.find(".("); dot != parameters.npos) {
    overload.style = CallStyle::kMember;
    overload.parameters.push_back(ParseType(parameters.substr(0, dot)));
    parameters.remove_prefix(dot + 1);
  }
  absl::ConsumePrefix(&parameters, "(");
  absl::ConsumeSuffix(&parameters, ")");
  for (const absl::string_view parameter : SplitParameters(parameters)) {
    overload.parameters.push_back(ParseType(parameter));
  }
  return overload;
}

Table MakeTable() {
  Table table;
  for (const auto& family :
       {ArithmeticFunctions(), ComparisonFunctions(), CollectionFunctions(),
        ConversionFunctions(), TextFunctions(), FormatFunctions(),
        TimeFunctions(), OptionalFunctions(), EncoderFunctions()}) {
    for (const FunctionRow& row : family) {
      Function& function = table[std::string(row.name)];
      function.name = std::string(row.name);
      function.overloads.push_back(ParseOverload(row));
    }
  }
  return table;
}

bool Fits(CelType::Kind parameter, CelValue::Kind argument) {
  switch (parameter) {
    case CelType::Kind::kDyn:
    case CelType::Kind::kParameter:
      return true;
    case CelType::Kind::kNull:
      return argument == CelValue::Kind::kNull;
    case CelType::Kind::kBool:
      return argument == CelValue::Kind::kBool;
    case CelType::Kind::kInt:
      return argument == CelValue::Kind::kInt;
    case CelType::Kind::kUint:
      return argument == CelValue::Kind::kUint;
    case CelType::Kind::kDouble:
      return argument == CelValue::Kind::kDouble;
    case CelType::Kind::kString:
      return argument == CelValue::Kind::kString;
    case CelType::Kind::kBytes:
      return argument == CelValue::Kind::kBytes;
    case CelType::Kind::kTimestamp:
      return argument == CelValue::Kind::kTimestamp;
    case CelType::Kind::kDuration:
      return argument == CelValue::Kind::kDuration;
    case CelType::Kind::kList:
      return argument == CelValue::Kind::kList;
    case CelType::Kind::kMap:
      return argument == CelValue::Kind::kMap;
    case CelType::Kind::kType:
      return argument == CelValue::Kind::kType;
    case CelType::Kind::kOptional:
      return argument == CelValue::Kind::kOptional;
  }
  return false;
}

}  // namespace

bool Overload::Takes(Arguments arguments) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!Fits(parameters[i].kind(), arguments[i].kind())) return false;
  }
  return true;
}

const Function* FindFunction(absl::string_view name) {
  static const Table& table = *new Table(MakeTable());
  const auto it = table.find(name);
  return it == table.end() ? nullptr : &it->second;
}

absl::Status NoSuchOverload() {
  return absl::InvalidArgumentError("no such overload");
}

}  // namespace lamplighter::dispatcher::cel
