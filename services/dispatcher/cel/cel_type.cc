#include "services/dispatcher/cel/cel_type.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/status/macros.h"

namespace lamplighter::dispatcher {
namespace {

// Expressions can make types that double with every step; beyond this one is as
// good as unknown.
constexpr int kMaxSize = 64;

struct NamedKind {
  absl::string_view name;
  CelType::Kind kind;
  size_t arguments;
};

constexpr NamedKind kNames[] = {
    {"dyn", CelType::Kind::kDyn, 0},
    {"null", CelType::Kind::kNull, 0},
    {"bool", CelType::Kind::kBool, 0},
    {"int", CelType::Kind::kInt, 0},
    {"uint", CelType::Kind::kUint, 0},
    {"double", CelType::Kind::kDouble, 0},
    {"string", CelType::Kind::kString, 0},
    {"bytes", CelType::Kind::kBytes, 0},
    {"timestamp", CelType::Kind::kTimestamp, 0},
    {"duration", CelType::Kind::kDuration, 0},
    {"list", CelType::Kind::kList, 1},
    {"map", CelType::Kind::kMap, 2},
    {"type", CelType::Kind::kType, 1},
    {"optional_type", CelType::Kind::kOptional, 1},
};

// Reads one type off the front of `text`.
absl::StatusOr<CelType> Consume(absl::string_view& text, int depth) {
  size_t length = 0;
  while (length < text.size() &&
         (absl::ascii_isalpha(text[length]) || text[length] == '_')) {
    ++length;
  }
  const absl::string_view name = text.substr(0, length);
  text.remove_prefix(length);
  if (name.size() == 1 && absl::ascii_isupper(name[0])) {
    return CelType::Parameter(name[0] - 'A');
  }
  for (const NamedKind& named : kNames) {
    if (named.name != name || depth > kMaxSize) continue;
    std::vector<CelType> arguments;
    for (size_t i = 0; i < named.arguments; ++i) {
      if (!absl::ConsumePrefix(&text, i == 0 ? "(" : ", ")) break;
      LAMPLIGHTER_ASSIGN_OR_RETURN(CelType argument, Consume(text, depth + 1));
      arguments.push_back(std::move(argument));
    }
    if (arguments.size() != named.arguments ||
        (named.arguments > 0 && !absl::ConsumePrefix(&text, ")"))) {
      break;
    }
    switch (named.kind) {
      case CelType::Kind::kList:
        return CelType::List(arguments[0]);
      case CelType::Kind::kMap:
        return CelType::Map(arguments[0], arguments[1]);
      case CelType::Kind::kType:
        return CelType::TypeOf(arguments[0]);
      case CelType::Kind::kOptional:
        return CelType::Optional(arguments[0]);
      default:
        return CelType(named.kind);
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown type: ", name));
}

}  // namespace

CelType::CelType(Kind kind, std::vector<CelType> arguments)
    : kind_(kind), arguments_(std::move(arguments)) {
  for (const CelType& argument : arguments_) size_ += argument.size_;
  if (size_ > kMaxSize) *this = CelType(Kind::kDyn);
}

CelType CelType::List(CelType element) {
  return CelType(Kind::kList, {std::move(element)});
}

CelType CelType::Map(CelType key, CelType value) {
  return CelType(Kind::kMap, {std::move(key), std::move(value)});
}

CelType CelType::Optional(CelType value) {
  return CelType(Kind::kOptional, {std::move(value)});
}

CelType CelType::TypeOf(CelType type) {
  return CelType(Kind::kType, {std::move(type)});
}

CelType CelType::Parameter(int id) {
  CelType type(Kind::kParameter);
  type.parameter_id_ = id;
  return type;
}

CelType CelType::JsonObject() {
  return Map(CelType(Kind::kString), CelType(Kind::kDyn));
}

absl::StatusOr<CelType> CelType::Parse(absl::string_view text) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(CelType type, Consume(text, 0));
  if (text.empty()) return type;
  return absl::InvalidArgumentError(absl::StrCat("behind the type: ", text));
}

std::string CelType::ToString() const {
  if (kind_ == Kind::kParameter) {
    return parameter_id_ < 26 ? std::string(1, 'A' + parameter_id_)
                              : absl::StrCat("_var", parameter_id_);
  }
  absl::string_view name;
  for (const NamedKind& named : kNames) {
    if (named.kind == kind_) name = named.name;
  }
  if (arguments_.empty()) return std::string(name);
  return absl::StrCat(name, "(",
                      absl::StrJoin(arguments_, ", ",
                                    [](std::string* out, const CelType& type) {
                                      out->append(type.ToString());
                                    }),
                      ")");
}

}  // namespace lamplighter::dispatcher
