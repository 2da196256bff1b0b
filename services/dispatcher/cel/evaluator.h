#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "services/dispatcher/cel/budget.h"
#include "services/dispatcher/cel/cel_options.h"
#include "services/dispatcher/cel/expr.h"

namespace lamplighter::dispatcher::cel {

// Walks a checked tree once. Errors are InvalidArgument, in cel-go's words.
class Evaluator {
 public:
  // Both outlive the evaluator. `slots` is the checker's.
  Evaluator(const CelBindings& bindings, Budget budget, int slots)
      : bindings_(bindings), budget_(budget), locals_(slots) {}

  absl::StatusOr<CelValue> Run(const Expr& expr);

 private:
  // Of what decides && and ||, all() and exists(): an error on one side does
  // not matter where the other side decides.
  struct Verdict {
    bool decided = false;
    absl::Status error;
  };

  absl::StatusOr<CelValue> Identifier(const Expr& expr);
  absl::StatusOr<CelValue> Select(const Expr& expr);
  absl::StatusOr<CelValue> Has(const Expr& expr);
  absl::StatusOr<CelValue> Index(const Expr& expr);
  absl::StatusOr<CelValue> Call(const Expr& expr);
  absl::StatusOr<CelValue> OptionalOr(const Expr& expr);
  absl::StatusOr<CelValue> Logic(const Expr& expr);
  absl::StatusOr<CelValue> Conditional(const Expr& expr);
  absl::StatusOr<CelValue> List(const Expr& expr);
  absl::StatusOr<CelValue> Map(const Expr& expr);

  // Macros: what they walk over, and then each.
  absl::StatusOr<CelValue> Macro(const Expr& expr);
  absl::StatusOr<CelValue> Quantify(const Expr& expr,
                                    const CelValue::List& range);
  absl::StatusOr<CelValue> ExistsOne(const Expr& expr,
                                     const CelValue::List& range);
  absl::StatusOr<CelValue> Transform(const Expr& expr,
                                     const CelValue::List& range);
  absl::StatusOr<CelValue> MapOptional(const Expr& expr,
                                       const CelValue& optional);

  // Runs what must be a bool.
  absl::StatusOr<bool> Test(const Expr& expr);
  // One more operand of what is decided by the value `by`.
  absl::Status Judge(const Expr& expr, bool by, Verdict& verdict);

  const CelBindings& bindings_;
  Budget budget_;
  std::vector<CelValue> locals_;  // variables of macros, by slot
};

}  // namespace lamplighter::dispatcher::cel
