#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/dispatcher/cel/expr.h"
#include "services/dispatcher/cel/lexer.h"
#include "services/dispatcher/cel/literal.h"

namespace lamplighter::dispatcher::cel {

// As deep as a tree may be, and as deep as the parser goes: both are walked by
// recursion.
constexpr int kMaxDepth = 250;

// Reads one expression, by recursive descent. Macros are expanded on the way.
class Parser {
 public:
  // `source` outlives the parser, not the tree.
  explicit Parser(absl::string_view source) : source_(source), lexer_(source) {}

  // To be called once. InvalidArgument says where the source is wrong.
  absl::StatusOr<ExprPtr> Parse();

 private:
  absl::StatusOr<ExprPtr> Conditional();
  absl::StatusOr<ExprPtr> Or();
  absl::StatusOr<ExprPtr> And();
  absl::StatusOr<ExprPtr> Binary(int level);
  absl::StatusOr<ExprPtr> Unary();
  // Fields, calls and subscripts behind `expr`.
  absl::StatusOr<ExprPtr> Members(ExprPtr expr);
  absl::StatusOr<ExprPtr> Field(ExprPtr object);
  absl::StatusOr<ExprPtr> Subscript(ExprPtr object);
  absl::StatusOr<ExprPtr> Primary();
  absl::StatusOr<ExprPtr> Identifier();
  absl::StatusOr<ExprPtr> Literal(Sign sign);
  absl::StatusOr<ExprPtr> List();
  absl::StatusOr<ExprPtr> Map();
  // Appends what stands between parentheses to the operands.
  absl::Status CallArguments(Expr& call);
  // Turns the call of a macro into what it stands for.
  absl::StatusOr<ExprPtr> Expand(ExprPtr call);

  absl::Status Advance();
  bool At(absl::string_view symbol) const;
  // Whether it was there; then it is behind us.
  absl::StatusOr<bool> Accept(absl::string_view symbol);
  absl::Status Expect(absl::string_view symbol);
  absl::Status Unexpected() const;
  std::string Found() const;  // the token, in words

  ExprPtr Make(Expr::Kind kind, size_t offset) const;
  // Sets its depth; an error where it is too deep.
  absl::StatusOr<ExprPtr> Finish(ExprPtr expr) const;

  const absl::string_view source_;
  Lexer lexer_;
  Token token_;  // the one to look at
  int depth_ = 0;
};

}  // namespace lamplighter::dispatcher::cel
