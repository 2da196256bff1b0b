// The checker's part for lists, maps, and the macros that walk over them.

#include <algorithm>

#include "common/status/macros.h"
#include "services/dispatcher/cel/checker.h"
#include "services/dispatcher/cel/position.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelType::Kind;

}  // namespace

CelType Checker::Join(const absl::optional<CelType>& joined,
                      const CelType& next, size_t offset) {
  if (!joined.has_value()) return next;
  // format() takes lists of anything.
  if (!options_.mixed_literals && formats_ == 0) {
    same_.push_back({*joined, next, offset});
  }
  return unifier_.Assign(*joined, next) ? MostGeneral(*joined, next)
                                        : CelType();
}

// The type that an entry has in its list or map.
absl::StatusOr<CelType> Checker::UnwrapEntry(const Expr& entry,
                                             const CelType& type,
                                             bool optional) {
  if (!optional) return type;
  if (type.kind() == Kind::kOptional) return CelType(type.arguments()[0]);
  if (type.kind() == Kind::kDyn || !options_.check) return CelType();
  return ErrorAt(source_, entry.offset, "expected type 'optional_type(",
                 Name(type), ")' but found '", Name(type), "'");
}

absl::StatusOr<CelType> Checker::TypeOfList(Expr& expr) {
  absl::optional<CelType> element;
  for (size_t i = 0; i < expr.operands.size(); ++i) {
    const ExprPtr& operand = expr.operands[i];
    LAMPLIGHTER_ASSIGN_OR_RETURN(CelType type, Type(*operand));
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        type, UnwrapEntry(*operand, type, expr.optional_entries[i]));
    element = Join(element, type, operand->offset);
  }
  return CelType::List(element.has_value() ? *element : unifier_.Fresh());
}

absl::StatusOr<CelType> Checker::TypeOfMap(Expr& expr) {
  absl::optional<CelType> key;
  absl::optional<CelType> value;
  for (size_t i = 0; i < expr.operands.size(); i += 2) {
    const ExprPtr& key_expr = expr.operands[i];
    LAMPLIGHTER_ASSIGN_OR_RETURN(const CelType key_type, Type(*key_expr));
    key = Join(key, key_type, key_expr->offset);
    const ExprPtr& value_expr = expr.operands[i + 1];
    LAMPLIGHTER_ASSIGN_OR_RETURN(CelType value_type, Type(*value_expr));
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        value_type,
        UnwrapEntry(*value_expr, value_type, expr.optional_entries[i / 2]));
    value = Join(value, value_type, value_expr->offset);
  }
  if (!key.has_value()) {
    return CelType::Map(unifier_.Fresh(), unifier_.Fresh());
  }
  return CelType::Map(*key, *value);
}

absl::StatusOr<CelType> Checker::TypeOfMacro(Expr& expr) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(CelType range, Type(*expr.operands[0]));
  range = Known(range);
  LAMPLIGHTER_ASSIGN_OR_RETURN(const CelType variable,
                               TypeOfVariable(expr, range));
  expr.slot = static_cast<int>(locals_.size());
  locals_.push_back({expr.name, variable});
  slots_ = std::max(slots_, static_cast<int>(locals_.size()));
  auto result = TypeOfMacroResult(expr, variable);
  locals_.pop_back();
  return result;
}

absl::StatusOr<CelType> Checker::TypeOfVariable(const Expr& macro,
                                                const CelType& range) {
  if (macro.macro == Macro::kOptMap || macro.macro == Macro::kOptFlatMap) {
    const CelType value = unifier_.Fresh();
    if (!unifier_.Assign(range, CelType::Optional(value))) {
      if (!options_.check) return CelType();
      return ErrorAt(source_, macro.offset,
                     "expected type 'optional_type(dyn)' but found '",
                     Name(range), "'");
    }
    return Known(value);
  }
  switch (range.kind()) {
    case Kind::kList:
    case Kind::kMap:
      return CelType(range.arguments()[0]);
    case Kind::kParameter:
      unifier_.Assign(CelType(), range);
      return CelType();
    case Kind::kDyn:
      return CelType();
    default:
      if (!options_.check) return CelType();
      return ErrorAt(source_, macro.operands[0]->offset, "expression of type '",
                     Name(range),
                     "' cannot be range of a comprehension (must be list, map, "
                     "or dynamic)");
  }
}

absl::StatusOr<CelType> Checker::TypeOfMacroResult(Expr& macro,
                                                   const CelType& variable) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(CelType body, Type(*macro.operands[1]));
  switch (macro.macro) {
    case Macro::kOptMap:
      return CelType::Optional(Known(body));
    case Macro::kOptFlatMap: {
      const CelType none = CelType::Optional(unifier_.Fresh());
      const CelType result = unifier_.Fresh();
      if (unifier_.AssignAll({body, none}, {result, result})) {
        return Known(result);
      }
      if (!options_.check) return CelType();
      return ErrorAt(source_, macro.operands[1]->offset,
                     "expected type 'optional_type(dyn)' but found '",
                     Name(body), "'");
    }
    case Macro::kMap:
      if (macro.operands.size() == 3) {
        LAMPLIGHTER_RETURN_IF_ERROR(RequireBool(*macro.operands[1], body));
        LAMPLIGHTER_ASSIGN_OR_RETURN(body, Type(*macro.operands[2]));
      }
      return CelType::List(Known(body));
    case Macro::kFilter:
      LAMPLIGHTER_RETURN_IF_ERROR(RequireBool(*macro.operands[1], body));
      return CelType::List(Known(variable));
    default:
      LAMPLIGHTER_RETURN_IF_ERROR(RequireBool(*macro.operands[1], body));
      return CelType(Kind::kBool);
  }
}

}  // namespace lamplighter::dispatcher::cel
