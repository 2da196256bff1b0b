// The evaluator's part for lists, maps, and the macros that walk over them.

#include <utility>

#include "absl/status/status.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/evaluator.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelValue::Kind;

absl::Status NotOptional() {
  return absl::InvalidArgumentError(
      "cannot initialize optional entry from non-optional value");
}

}  // namespace

absl::StatusOr<CelValue> Evaluator::List(const Expr& expr) {
  LAMPLIGHTER_RETURN_IF_ERROR(
      budget_.Allocate(expr.operands.size() * sizeof(CelValue)));
  CelValue::List list;
  list.reserve(expr.operands.size());
  for (size_t i = 0; i < expr.operands.size(); ++i) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(CelValue element, Run(*expr.operands[i]));
    if (expr.optional_entries[i]) {
      if (!element.Is(Kind::kOptional)) return NotOptional();
      if (element.optional_value() == nullptr) continue;
      element = CelValue(*element.optional_value());
    }
    list.push_back(std::move(element));
  }
  return CelValue::MakeList(std::move(list));
}

absl::StatusOr<CelValue> Evaluator::Map(const Expr& expr) {
  LAMPLIGHTER_RETURN_IF_ERROR(
      budget_.Allocate(expr.operands.size() * sizeof(CelValue)));
  CelValue::Map map;
  map.reserve(expr.operands.size() / 2);
  for (size_t i = 0; i < expr.operands.size(); i += 2) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(CelValue key, Run(*expr.operands[i]));
    LAMPLIGHTER_ASSIGN_OR_RETURN(CelValue value, Run(*expr.operands[i + 1]));
    if (expr.optional_entries[i / 2]) {
      if (!value.Is(Kind::kOptional)) return NotOptional();
      if (value.optional_value() == nullptr) continue;
      value = CelValue(*value.optional_value());
    }
    map.push_back({std::move(key), std::move(value)});
  }
  return CelValue::MakeMap(std::move(map));
}

absl::StatusOr<CelValue> Evaluator::Macro(const Expr& expr) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const CelValue range, Run(*expr.operands[0]));
  if (expr.macro == Macro::kOptMap || expr.macro == Macro::kOptFlatMap) {
    return MapOptional(expr, range);
  }
  CelValue::List keys;
  if (range.Is(Kind::kMap)) {
    for (const CelMapEntry& entry : range.map_value()) {
      keys.push_back(entry.key);
    }
  } else if (!range.Is(Kind::kList)) {
    return NoSuchOverload();
  }
  const CelValue::List& elements =
      range.Is(Kind::kList) ? range.list_value() : keys;
  LAMPLIGHTER_RETURN_IF_ERROR(budget_.Spend(elements.size()));
  switch (expr.macro) {
    case Macro::kAll:
    case Macro::kExists:
      return Quantify(expr, elements);
    case Macro::kExistsOne:
      return ExistsOne(expr, elements);
    default:
      return Transform(expr, elements);
  }
}

absl::StatusOr<CelValue> Evaluator::Quantify(const Expr& expr,
                                             const CelValue::List& range) {
  const bool by = expr.macro == Macro::kExists;
  Verdict verdict;
  for (const CelValue& element : range) {
    locals_[expr.slot] = element;
    LAMPLIGHTER_RETURN_IF_ERROR(Judge(*expr.operands[1], by, verdict));
    if (verdict.decided) return CelValue::Bool(by);
  }
  LAMPLIGHTER_RETURN_IF_ERROR(verdict.error);
  return CelValue::Bool(!by);
}

absl::StatusOr<CelValue> Evaluator::ExistsOne(const Expr& expr,
                                              const CelValue::List& range) {
  size_t count = 0;
  for (const CelValue& element : range) {
    locals_[expr.slot] = element;
    LAMPLIGHTER_ASSIGN_OR_RETURN(const bool found, Test(*expr.operands[1]));
    if (found) ++count;
  }
  return CelValue::Bool(count == 1);
}

absl::StatusOr<CelValue> Evaluator::Transform(const Expr& expr,
                                              const CelValue::List& range) {
  const bool filter = expr.macro == Macro::kFilter || expr.operands.size() == 3;
  CelValue::List list;
  for (const CelValue& element : range) {
    locals_[expr.slot] = element;
    if (filter) {
      LAMPLIGHTER_ASSIGN_OR_RETURN(const bool kept, Test(*expr.operands[1]));
      if (!kept) continue;
    }
    LAMPLIGHTER_RETURN_IF_ERROR(budget_.Allocate(sizeof(CelValue)));
    if (expr.macro == Macro::kFilter) {
      list.push_back(element);
      continue;
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(CelValue made, Run(*expr.operands.back()));
    list.push_back(std::move(made));
  }
  return CelValue::MakeList(std::move(list));
}

absl::StatusOr<CelValue> Evaluator::MapOptional(const Expr& expr,
                                                const CelValue& optional) {
  if (!optional.Is(Kind::kOptional)) return NoSuchOverload();
  if (optional.optional_value() == nullptr) return optional;
  locals_[expr.slot] = *optional.optional_value();
  LAMPLIGHTER_ASSIGN_OR_RETURN(CelValue made, Run(*expr.operands[1]));
  if (expr.macro == Macro::kOptMap) {
    return CelValue::OptionalOf(std::move(made));
  }
  return made;
}

}  // namespace lamplighter::dispatcher::cel
