#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/dispatcher/cel/cel_options.h"
#include "services/dispatcher/cel/cel_type.h"
#include "services/dispatcher/cel/cel_value.h"

namespace lamplighter::dispatcher {

namespace cel {
struct Expr;
}

// An expression of the Common Expression Language, with the functions that
// Flux gives to commitStatusExpr. Read and checked once, run as often as
// wanted, on any thread, also on several at once.
class CelExpression {
 public:
  // InvalidArgument where the source is no expression, uses what is not there,
  // or has a wrong type; the message begins with line and column.
  static absl::StatusOr<std::unique_ptr<const CelExpression>> Compile(
      absl::string_view source, const CelOptions& options);
  ~CelExpression();

  // InvalidArgument with CEL's own words where the expression fails on these
  // values ("no such key: x"), or goes beyond a limit. A variable without a
  // value is an error only where the expression comes to it.
  absl::StatusOr<CelValue> Evaluate(const CelBindings& bindings) const;

  // What is known of the result.
  const CelType& type() const { return type_; }

 private:
  CelExpression(const CelOptions& options, std::unique_ptr<cel::Expr> root,
                CelType type, int slots);

  const int64_t max_steps_;
  const int64_t max_made_bytes_;
  const std::unique_ptr<const cel::Expr> root_;
  const CelType type_;
  const int slots_;  // variables of macros that are alive at once
};

}  // namespace lamplighter::dispatcher
