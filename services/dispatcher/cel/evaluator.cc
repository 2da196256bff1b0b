#include "services/dispatcher/cel/evaluator.h"

#include <cmath>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelValue::Kind;
using Node = Expr::Kind;

absl::Status NoSuchKey(absl::string_view key) {
  return absl::InvalidArgumentError(absl::StrCat("no such key: ", key));
}

std::string KeyInWords(const CelValue& key) {
  switch (key.kind()) {
    case Kind::kBool:
      return key.bool_value() ? "true" : "false";
    case Kind::kInt:
      return absl::StrCat(key.int_value());
    case Kind::kUint:
      return absl::StrCat(key.uint_value());
    case Kind::kDouble:
      return absl::StrCat(key.double_value());
    case Kind::kString:
      return key.string_value();
    default:
      return std::string(TypeName(key.kind()));
  }
}

// The element of a list, or an error; null where the list ends before it.
absl::StatusOr<const CelValue*> Element(const CelValue::List& list,
                                        const CelValue& index) {
  if (!index.IsNumber()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unsupported index type '", TypeName(index.kind()), "' in list"));
  }
  if (index.Is(Kind::kDouble) &&
      std::trunc(index.double_value()) != index.double_value()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "unsupported index value ", index.double_value(), " in list"));
  }
  const auto size = static_cast<int64_t>(list.size());
  if (CompareNumbers(index, CelValue::Int(0)).value_or(-1) < 0 ||
      CompareNumbers(index, CelValue::Int(size)).value_or(1) >= 0) {
    return nullptr;
  }
  const size_t position =
      index.Is(Kind::kInt)    ? static_cast<size_t>(index.int_value())
      : index.Is(Kind::kUint) ? static_cast<size_t>(index.uint_value())
                              : static_cast<size_t>(index.double_value());
  return &list[position];
}

// What stands in a list or map; null where there is nothing.
absl::StatusOr<const CelValue*> Lookup(const CelValue& container,
                                       const CelValue& key) {
  if (container.Is(Kind::kList)) return Element(container.list_value(), key);
  if (!container.Is(Kind::kMap)) return nullptr;
  if (!key.IsNumber() && !key.Is(Kind::kString) && !key.Is(Kind::kBool)) {
    return absl::InvalidArgumentError(
        absl::StrCat("unsupported key type: ", TypeName(key.kind())));
  }
  return container.Find(key);
}

}  // namespace

absl::StatusOr<CelValue> Evaluator::Run(const Expr& expr) {
  LAMPLIGHTER_RETURN_IF_ERROR(budget_.Spend(1));
  switch (expr.kind) {
    case Node::kLiteral:
      return expr.value;
    case Node::kIdentifier:
      return Identifier(expr);
    case Node::kSelect:
      return Select(expr);
    case Node::kHas:
      return Has(expr);
    case Node::kIndex:
      return Index(expr);
    case Node::kCall:
      return Call(expr);
    case Node::kOptionalOr:
      return OptionalOr(expr);
    case Node::kAnd:
    case Node::kOr:
      return Logic(expr);
    case Node::kConditional:
      return Conditional(expr);
    case Node::kList:
      return List(expr);
    case Node::kMap:
      return Map(expr);
    case Node::kMacro:
      return Macro(expr);
  }
  return absl::InternalError("unknown kind of expression");
}

absl::StatusOr<CelValue> Evaluator::Identifier(const Expr& expr) {
  if (expr.slot >= 0) return locals_[expr.slot];
  const auto it = bindings_.find(expr.name);
  if (it != bindings_.end()) return it->second;
  return absl::InvalidArgumentError(
      absl::StrCat("no such attribute(s): ", expr.name));
}

absl::StatusOr<CelValue> Evaluator::Select(const Expr& expr) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const CelValue value, Run(*expr.operands[0]));
  const CelValue* object = &value;
  bool optional = expr.optional;
  if (value.Is(Kind::kOptional)) {
    optional = true;
    object = value.optional_value();
    if (object == nullptr) return value;
  }
  const CelValue* const field =
      object->Is(Kind::kMap) ? object->Find(expr.name) : nullptr;
  if (field != nullptr) {
    return optional ? CelValue::OptionalOf(*field) : *field;
  }
  if (expr.optional || (optional && object->Is(Kind::kMap))) {
    return CelValue::OptionalNone();
  }
  return NoSuchKey(expr.name);
}

absl::StatusOr<CelValue> Evaluator::Has(const Expr& expr) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const CelValue value, Run(*expr.operands[0]));
  const CelValue* const object =
      value.Is(Kind::kOptional) ? value.optional_value() : &value;
  return CelValue::Bool(object != nullptr && object->Is(Kind::kMap) &&
                        object->Find(expr.name) != nullptr);
}

absl::StatusOr<CelValue> Evaluator::Index(const Expr& expr) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const CelValue value, Run(*expr.operands[0]));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const CelValue key, Run(*expr.operands[1]));
  const CelValue* container = &value;
  const bool optional = expr.optional || value.Is(Kind::kOptional);
  if (value.Is(Kind::kOptional)) {
    container = value.optional_value();
    if (container == nullptr) return value;
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(const CelValue* const found,
                               Lookup(*container, key));
  if (found != nullptr) {
    return optional ? CelValue::OptionalOf(*found) : *found;
  }
  if (optional) return CelValue::OptionalNone();
  if (container->Is(Kind::kList)) {
    return absl::InvalidArgumentError(
        absl::StrCat("index out of bounds: ", KeyInWords(key)));
  }
  return NoSuchKey(KeyInWords(key));
}

absl::StatusOr<CelValue> Evaluator::Call(const Expr& expr) {
  absl::InlinedVector<CelValue, 4> arguments;
  for (const ExprPtr& operand : expr.operands) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(CelValue argument, Run(*operand));
    arguments.push_back(std::move(argument));
  }
  if (expr.regex != nullptr && arguments[0].Is(Kind::kString)) {
    const std::string& text = arguments[0].string_value();
    LAMPLIGHTER_RETURN_IF_ERROR(budget_.Spend(text.size() / kBytesAStep));
    return CelValue::Bool(RE2::PartialMatch(text, *expr.regex));
  }
  for (const Overload* const overload : expr.overloads) {
    if (overload->Takes(arguments)) {
      return overload->implementation(arguments, budget_);
    }
  }
  // Operators have no name that a user knows.
  if (absl::StrContains(expr.name, "_") || expr.name[0] == '@') {
    return NoSuchOverload();
  }
  std::string kinds;
  for (const CelValue& argument : arguments) {
    absl::StrAppend(&kinds, kinds.empty() ? "" : ", ",
                    TypeName(argument.kind()));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no such overload: ", expr.name, "(", kinds, ")"));
}

absl::StatusOr<CelValue> Evaluator::OptionalOr(const Expr& expr) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(CelValue value, Run(*expr.operands[0]));
  if (!value.Is(Kind::kOptional)) return NoSuchOverload();
  if (value.optional_value() != nullptr) {
    return expr.optional ? value : *value.optional_value();
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(value, Run(*expr.operands[1]));
  if (expr.optional && !value.Is(Kind::kOptional)) return NoSuchOverload();
  return value;
}

absl::StatusOr<bool> Evaluator::Test(const Expr& expr) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const CelValue value, Run(expr));
  if (!value.Is(Kind::kBool)) return NoSuchOverload();
  return value.bool_value();
}

absl::Status Evaluator::Judge(const Expr& expr, bool by, Verdict& verdict) {
  const absl::StatusOr<bool> value = Test(expr);
  if (value.ok()) {
    verdict.decided = *value == by;
    return absl::OkStatus();
  }
  if (budget_.used_up()) return value.status();
  verdict.error.Update(value.status());
  return absl::OkStatus();
}

absl::StatusOr<CelValue> Evaluator::Logic(const Expr& expr) {
  const bool by = expr.kind == Node::kOr;
  Verdict verdict;
  for (const ExprPtr& operand : expr.operands) {
    LAMPLIGHTER_RETURN_IF_ERROR(Judge(*operand, by, verdict));
    if (verdict.decided) return CelValue::Bool(by);
  }
  LAMPLIGHTER_RETURN_IF_ERROR(verdict.error);
  return CelValue::Bool(!by);
}

absl::StatusOr<CelValue> Evaluator::Conditional(const Expr& expr) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const bool condition, Test(*expr.operands[0]));
  return Run(*expr.operands[condition ? 1 : 2]);
}

}  // namespace lamplighter::dispatcher::cel
