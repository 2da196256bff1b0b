#include "services/dispatcher/cel/cel.h"

#include <memory>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/budget.h"
#include "services/dispatcher/cel/checker.h"
#include "services/dispatcher/cel/evaluator.h"
#include "services/dispatcher/cel/parser.h"
#include "services/dispatcher/cel/utf8.h"

namespace lamplighter::dispatcher {

absl::StatusOr<std::unique_ptr<const CelExpression>> CelExpression::Compile(
    absl::string_view source, const CelOptions& options) {
  if (source.size() > options.max_source_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("1:1: the expression is longer than ",
                     options.max_source_bytes, " bytes"));
  }
  if (!cel::IsValidUtf8(source)) {
    return absl::InvalidArgumentError("1:1: the expression is not UTF-8");
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(cel::ExprPtr root, cel::Parser(source).Parse());
  cel::Checker checker(source, options);
  LAMPLIGHTER_ASSIGN_OR_RETURN(CelType type, checker.Check(*root));
  return absl::WrapUnique(new CelExpression(options, std::move(root),
                                            std::move(type), checker.slots()));
}

CelExpression::CelExpression(const CelOptions& options,
                             std::unique_ptr<cel::Expr> root, CelType type,
                             int slots)
    : max_steps_(options.max_steps),
      max_made_bytes_(options.max_made_bytes),
      root_(std::move(root)),
      type_(std::move(type)),
      slots_(slots) {}

CelExpression::~CelExpression() = default;

absl::StatusOr<CelValue> CelExpression::Evaluate(
    const CelBindings& bindings) const {
  return cel::Evaluator(bindings, cel::Budget(max_steps_, max_made_bytes_),
                        slots_)
      .Run(*root_);
}

}  // namespace lamplighter::dispatcher
