#include "services/dispatcher/cel/checker.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/position.h"
#include "services/dispatcher/cel/regex.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelType::Kind;
using Node = Expr::Kind;

struct TypeRow {
  absl::string_view name;
  absl::string_view type;
  CelValue::Kind kind;
};

// Types that expressions can name.
constexpr TypeRow kTypes[] = {
    {"null_type", "null", CelValue::Kind::kNull},
    {"bool", "bool", CelValue::Kind::kBool},
    {"int", "int", CelValue::Kind::kInt},
    {"uint", "uint", CelValue::Kind::kUint},
    {"double", "double", CelValue::Kind::kDouble},
    {"string", "string", CelValue::Kind::kString},
    {"bytes", "bytes", CelValue::Kind::kBytes},
    {"list", "list(dyn)", CelValue::Kind::kList},
    {"map", "map(dyn, dyn)", CelValue::Kind::kMap},
    {"google.protobuf.Timestamp", "timestamp", CelValue::Kind::kTimestamp},
    {"google.protobuf.Duration", "duration", CelValue::Kind::kDuration},
    {"type", "type(dyn)", CelValue::Kind::kType},
    {"optional_type", "optional_type(dyn)", CelValue::Kind::kOptional},
};

CelType TypeOfLiteral(const CelValue& value) {
  switch (value.kind()) {
    case CelValue::Kind::kBool:
      return CelType(Kind::kBool);
    case CelValue::Kind::kInt:
      return CelType(Kind::kInt);
    case CelValue::Kind::kUint:
      return CelType(Kind::kUint);
    case CelValue::Kind::kDouble:
      return CelType(Kind::kDouble);
    case CelValue::Kind::kString:
      return CelType(Kind::kString);
    case CelValue::Kind::kBytes:
      return CelType(Kind::kBytes);
    default:
      return CelType(Kind::kNull);
  }
}

}  // namespace

absl::StatusOr<CelType> Checker::Check(Expr& root) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(CelType type, Type(root));
  type = unifier_.Substitute(type, Unifier::Unbound::kDyn);
  if (!options_.check) return type;
  for (const Pair& pair : same_) {
    const std::string first = Name(pair.first);
    const std::string other = Name(pair.other);
    if (first == other) continue;
    return ErrorAt(source_, pair.offset, "expected type '", first,
                   "' but found '", other, "'");
  }
  if (unifier_.used_up()) {
    return ErrorAt(source_, 0, "the types are too complex to check");
  }
  if (options_.result.has_value() && type != *options_.result) {
    return ErrorAt(source_, 0, "CEL expression output type mismatch: expected ",
                   options_.result->ToString(), ", got ", type.ToString());
  }
  return type;
}

absl::StatusOr<CelType> Checker::Type(Expr& expr) {
  switch (expr.kind) {
    case Node::kLiteral:
      return TypeOfLiteral(expr.value);
    case Node::kIdentifier:
      return TypeOfIdentifier(expr);
    case Node::kSelect:
    case Node::kHas:
      return TypeOfSelect(expr);
    case Node::kIndex:
      return TypeOfIndex(expr);
    case Node::kCall:
    case Node::kOptionalOr:
      return TypeOfCall(expr);
    case Node::kAnd:
    case Node::kOr:
      return TypeOfLogic(expr);
    case Node::kConditional:
      return TypeOfConditional(expr);
    case Node::kList:
      return TypeOfList(expr);
    case Node::kMap:
      return TypeOfMap(expr);
    case Node::kMacro:
      return TypeOfMacro(expr);
  }
  return CelType();
}

absl::StatusOr<CelType> Checker::TypeOfIdentifier(Expr& expr) {
  for (size_t i = locals_.size(); i > 0; --i) {
    if (locals_[i - 1].name != expr.name) continue;
    expr.slot = static_cast<int>(i - 1);
    return locals_[i - 1].type;
  }
  const std::string name(absl::StripPrefix(expr.name, "."));
  if (const auto type = Global(name, expr); type.has_value()) return *type;
  if (!options_.check) return CelType();
  return ErrorAt(source_, expr.offset, "undeclared reference to '", name,
                 "' (in container '')");
}

absl::StatusOr<CelType> Checker::TypeOfSelect(Expr& expr) {
  if (const std::string name = QualifiedName(expr);
      expr.kind == Node::kSelect && !name.empty()) {
    if (const auto type = Global(name, expr); type.has_value()) return *type;
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(CelType type, Type(*expr.operands[0]));
  type = Known(type);
  bool optional = expr.optional;
  if (type.kind() == Kind::kOptional) {
    optional = true;
    type = CelType(type.arguments()[0]);
  }
  CelType field;
  if (type.kind() == Kind::kMap) {
    field = type.arguments()[1];
  } else if (type.kind() == Kind::kParameter) {
    unifier_.Assign(CelType(), type);
  } else if (type.kind() != Kind::kDyn && options_.check) {
    return ErrorAt(source_, expr.offset, "type '", Name(type),
                   "' does not support field selection");
  }
  if (expr.kind == Node::kHas) return CelType(Kind::kBool);
  return optional ? CelType::Optional(field) : field;
}

absl::StatusOr<CelType> Checker::TypeOfIndex(Expr& expr) {
  std::vector<CelType> types;
  for (const ExprPtr& operand : expr.operands) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(CelType type, Type(*operand));
    types.push_back(std::move(type));
  }
  return Resolve(expr, *FindFunction(expr.optional ? "_[?_]" : "_[_]"),
                 CallStyle::kGlobal, types);
}

absl::StatusOr<CelType> Checker::TypeOfCall(Expr& expr) {
  if (expr.style == CallStyle::kMember) {
    // base64.encode(x) looks like a call of a method.
    const std::string prefix = QualifiedName(*expr.operands[0]);
    std::string name = absl::StrCat(prefix, ".", expr.name);
    if (!prefix.empty() && FindFunction(name) != nullptr) {
      expr.style = CallStyle::kGlobal;
      expr.name = std::move(name);
      expr.operands.erase(expr.operands.begin());
    }
  }
  const bool format = expr.name == "format";
  if (format) ++formats_;
  std::vector<CelType> types;
  for (const ExprPtr& operand : expr.operands) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(CelType type, Type(*operand));
    types.push_back(std::move(type));
  }
  if (format) --formats_;
  const Function* const function = FindFunction(expr.name);
  if (function == nullptr && !options_.check) return CelType();
  if (function == nullptr) {
    return ErrorAt(source_, expr.offset, "undeclared reference to '", expr.name,
                   "' (in container '')");
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(CelType type,
                               Resolve(expr, *function, expr.style, types));
  LAMPLIGHTER_RETURN_IF_ERROR(PrepareRegex(expr));
  if ((expr.name == "or" || expr.name == "orValue") &&
      !expr.overloads.empty()) {
    expr.kind = Node::kOptionalOr;
    expr.optional = expr.name == "or";
  }
  return type;
}

absl::Status Checker::RequireBool(const Expr& expr, const CelType& type) {
  if (unifier_.Assign(type, CelType(Kind::kBool)) || !options_.check) {
    return absl::OkStatus();
  }
  return ErrorAt(source_, expr.offset, "expected type 'bool' but found '",
                 Name(type), "'");
}

absl::StatusOr<CelType> Checker::TypeOfLogic(Expr& expr) {
  for (const ExprPtr& operand : expr.operands) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const CelType type, Type(*operand));
    LAMPLIGHTER_RETURN_IF_ERROR(RequireBool(*operand, type));
  }
  return CelType(Kind::kBool);
}

absl::StatusOr<CelType> Checker::TypeOfConditional(Expr& expr) {
  std::vector<CelType> types;
  for (const ExprPtr& operand : expr.operands) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(CelType type, Type(*operand));
    types.push_back(std::move(type));
  }
  return Resolve(expr, *FindFunction("_?_:_"), CallStyle::kGlobal, types);
}

absl::optional<CelType> Checker::Global(const std::string& name,
                                        Expr& expr) const {
  for (const CelVariable& variable : options_.variables) {
    if (variable.name != name) continue;
    expr.kind = Node::kIdentifier;
    expr.name = name;
    expr.operands.clear();
    return variable.type;
  }
  for (const TypeRow& row : kTypes) {
    if (row.name != name) continue;
    expr.kind = Node::kLiteral;
    expr.value = CelValue::Type(row.kind);
    expr.operands.clear();
    return CelType::TypeOf(*CelType::Parse(row.type));
  }
  return absl::nullopt;
}

std::string Checker::QualifiedName(const Expr& expr) const {
  if (expr.kind == Node::kIdentifier) {
    const absl::string_view name = expr.name;
    return IsLocal(name) ? "" : std::string(absl::StripPrefix(name, "."));
  }
  if (expr.kind != Node::kSelect || expr.optional) return "";
  const std::string prefix = QualifiedName(*expr.operands[0]);
  return prefix.empty() ? "" : absl::StrCat(prefix, ".", expr.name);
}

bool Checker::IsLocal(absl::string_view name) const {
  return std::any_of(locals_.begin(), locals_.end(),
                     [name](const Local& local) { return local.name == name; });
}

absl::StatusOr<CelType> Checker::Resolve(
    Expr& call, const Function& function, CallStyle style,
    const std::vector<CelType>& arguments) {
  absl::optional<CelType> result;
  std::vector<const Overload*> callable;
  for (const Overload& overload : function.overloads) {
    if (overload.style != style ||
        overload.parameters.size() != arguments.size()) {
      continue;
    }
    callable.push_back(&overload);
    std::vector<CelType> signature = overload.parameters;
    signature.push_back(overload.result);
    signature = unifier_.Instantiate(signature);
    const auto parameters =
        absl::MakeConstSpan(signature).first(arguments.size());
    if (!unifier_.AssignAll(arguments, parameters)) continue;
    call.overloads.push_back(&overload);
    const CelType type = Known(signature.back());
    if (!result.has_value()) {
      result = type;
    } else if (type != *result) {
      result = CelType();
    }
  }
  if (result.has_value()) return *result;
  if (!options_.check) {
    call.overloads = std::move(callable);
    return CelType();
  }
  std::vector<std::string> names;
  for (const CelType& argument : arguments) names.push_back(Name(argument));
  std::string receiver;
  if (style == CallStyle::kMember) {
    receiver = absl::StrCat(names[0], ".");
    names.erase(names.begin());
  }
  return ErrorAt(source_, call.offset, "found no matching overload for '",
                 function.name, "' applied to '", receiver, "(",
                 absl::StrJoin(names, ", "), ")'");
}

absl::Status Checker::PrepareRegex(Expr& call) const {
  if (call.name != "matches" || call.operands.size() != 2) {
    return absl::OkStatus();
  }
  const Expr& pattern = *call.operands[1];
  if (pattern.kind != Node::kLiteral ||
      !pattern.value.Is(CelValue::Kind::kString)) {
    return absl::OkStatus();
  }
  auto regex = CompileRegex(pattern.value.string_value());
  if (!regex.ok()) {
    return ErrorAt(source_, pattern.offset, regex.status().message());
  }
  call.regex = *std::move(regex);
  return absl::OkStatus();
}

}  // namespace lamplighter::dispatcher::cel
