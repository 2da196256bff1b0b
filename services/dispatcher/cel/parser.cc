#include "services/dispatcher/cel/parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/position.h"

namespace lamplighter::dispatcher::cel {
namespace {

struct BinaryOperator {
  absl::string_view symbol;
  absl::string_view function;
  int level;  // higher binds tighter
};

constexpr int kTightest = 2;
constexpr BinaryOperator kBinaryOperators[] = {
    {"<", "_<_", 0},   {"<=", "_<=_", 0}, {">", "_>_", 0},  {">=", "_>=_", 0},
    {"==", "_==_", 0}, {"!=", "_!=_", 0}, {"in", "@in", 0}, {"+", "_+_", 1},
    {"-", "_-_", 1},   {"*", "_*_", 2},   {"/", "_/_", 2},  {"%", "_%_", 2},
};

constexpr absl::string_view kReserved[] = {
    "as",        "break",  "const",  "continue", "else", "for",
    "function",  "if",     "import", "let",      "loop", "package",
    "namespace", "return", "var",    "void",     "while"};

bool IsNumber(Token::Kind kind) {
  return kind == Token::Kind::kInt || kind == Token::Kind::kDouble;
}

}  // namespace

absl::StatusOr<ExprPtr> Parser::Parse() {
  LAMPLIGHTER_RETURN_IF_ERROR(Advance());
  LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr expr, Conditional());
  if (token_.kind != Token::Kind::kEnd) return Unexpected();
  return expr;
}

absl::StatusOr<ExprPtr> Parser::Conditional() {
  if (++depth_ > kMaxDepth) {
    return ErrorAt(source_, token_.offset, "nested deeper than ", kMaxDepth);
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr expr, Or());
  const size_t offset = token_.offset;
  LAMPLIGHTER_ASSIGN_OR_RETURN(const bool conditional, Accept("?"));
  if (conditional) {
    ExprPtr condition = std::move(expr);
    LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr then, Or());
    LAMPLIGHTER_RETURN_IF_ERROR(Expect(":"));
    LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr otherwise, Conditional());
    expr = Make(Expr::Kind::kConditional, offset);
    expr->operands.push_back(std::move(condition));
    expr->operands.push_back(std::move(then));
    expr->operands.push_back(std::move(otherwise));
    LAMPLIGHTER_ASSIGN_OR_RETURN(expr, Finish(std::move(expr)));
  }
  --depth_;
  return expr;
}

absl::StatusOr<ExprPtr> Parser::Or() {
  LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr first, And());
  if (!At("||")) return first;
  ExprPtr expr = Make(Expr::Kind::kOr, token_.offset);
  expr->operands.push_back(std::move(first));
  while (At("||")) {
    LAMPLIGHTER_RETURN_IF_ERROR(Advance());
    LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr next, And());
    expr->operands.push_back(std::move(next));
  }
  return Finish(std::move(expr));
}

absl::StatusOr<ExprPtr> Parser::And() {
  LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr first, Binary(0));
  if (!At("&&")) return first;
  ExprPtr expr = Make(Expr::Kind::kAnd, token_.offset);
  expr->operands.push_back(std::move(first));
  while (At("&&")) {
    LAMPLIGHTER_RETURN_IF_ERROR(Advance());
    LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr next, Binary(0));
    expr->operands.push_back(std::move(next));
  }
  return Finish(std::move(expr));
}

absl::StatusOr<ExprPtr> Parser::Binary(int level) {
  if (level > kTightest) return Unary();
  LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr left, Binary(level + 1));
  for (;;) {
    const auto* const found =
        std::find_if(std::begin(kBinaryOperators), std::end(kBinaryOperators),
                     [this, level](const BinaryOperator& candidate) {
                       return candidate.level == level && At(candidate.symbol);
                     });
    if (found == std::end(kBinaryOperators)) return left;
    ExprPtr expr = Make(Expr::Kind::kCall, token_.offset);
    expr->name = std::string(found->function);
    LAMPLIGHTER_RETURN_IF_ERROR(Advance());
    LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr right, Binary(level + 1));
    expr->operands.push_back(std::move(left));
    expr->operands.push_back(std::move(right));
    LAMPLIGHTER_ASSIGN_OR_RETURN(left, Finish(std::move(expr)));
  }
}

// An even number of signs is none; a minus before a number belongs to it.
absl::StatusOr<ExprPtr> Parser::Unary() {
  const absl::string_view sign = At("!") ? "!" : "-";
  const size_t offset = token_.offset;
  bool odd = false;
  while (At(sign)) {
    LAMPLIGHTER_RETURN_IF_ERROR(Advance());
    odd = !odd;
    if (odd && sign == "-" && IsNumber(token_.kind)) {
      LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr number, Literal(Sign::kMinus));
      return Members(std::move(number));
    }
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr operand, Primary());
  LAMPLIGHTER_ASSIGN_OR_RETURN(operand, Members(std::move(operand)));
  if (!odd) return operand;
  ExprPtr expr = Make(Expr::Kind::kCall, offset);
  expr->name = absl::StrCat(sign, "_");
  expr->operands.push_back(std::move(operand));
  return Finish(std::move(expr));
}

absl::StatusOr<ExprPtr> Parser::Members(ExprPtr expr) {
  for (;;) {
    if (At(".")) {
      LAMPLIGHTER_ASSIGN_OR_RETURN(expr, Field(std::move(expr)));
    } else if (At("[")) {
      LAMPLIGHTER_ASSIGN_OR_RETURN(expr, Subscript(std::move(expr)));
    } else {
      return expr;
    }
  }
}

absl::StatusOr<ExprPtr> Parser::Field(ExprPtr object) {
  ExprPtr expr = Make(Expr::Kind::kSelect, token_.offset);
  LAMPLIGHTER_RETURN_IF_ERROR(Expect("."));
  LAMPLIGHTER_ASSIGN_OR_RETURN(expr->optional, Accept("?"));
  if (token_.kind != Token::Kind::kIdentifier &&
      token_.kind != Token::Kind::kEscapedIdentifier) {
    return Unexpected();
  }
  const bool callable = token_.kind == Token::Kind::kIdentifier;
  expr->name = std::string(token_.text);
  if (expr->name == "true" || expr->name == "false" || expr->name == "null") {
    return Unexpected();
  }
  expr->operands.push_back(std::move(object));
  LAMPLIGHTER_RETURN_IF_ERROR(Advance());
  if (!At("(") || expr->optional || !callable) return Finish(std::move(expr));
  expr->kind = Expr::Kind::kCall;
  expr->style = CallStyle::kMember;
  expr->offset = token_.offset;
  LAMPLIGHTER_RETURN_IF_ERROR(CallArguments(*expr));
  LAMPLIGHTER_ASSIGN_OR_RETURN(expr, Expand(std::move(expr)));
  return Finish(std::move(expr));
}

absl::StatusOr<ExprPtr> Parser::Subscript(ExprPtr object) {
  ExprPtr expr = Make(Expr::Kind::kIndex, token_.offset);
  LAMPLIGHTER_RETURN_IF_ERROR(Expect("["));
  LAMPLIGHTER_ASSIGN_OR_RETURN(expr->optional, Accept("?"));
  LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr index, Conditional());
  LAMPLIGHTER_RETURN_IF_ERROR(Expect("]"));
  expr->operands.push_back(std::move(object));
  expr->operands.push_back(std::move(index));
  return Finish(std::move(expr));
}

absl::StatusOr<ExprPtr> Parser::Primary() {
  switch (token_.kind) {
    case Token::Kind::kInt:
    case Token::Kind::kUint:
    case Token::Kind::kDouble:
    case Token::Kind::kString:
    case Token::Kind::kBytes:
      return Literal(Sign::kPlus);
    case Token::Kind::kIdentifier:
      return Identifier();
    case Token::Kind::kSymbol:
      break;
    default:
      return Unexpected();
  }
  if (At(".")) return Identifier();
  if (At("[")) return List();
  if (At("{")) return Map();
  if (!At("(")) return Unexpected();
  LAMPLIGHTER_RETURN_IF_ERROR(Advance());
  LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr expr, Conditional());
  LAMPLIGHTER_RETURN_IF_ERROR(Expect(")"));
  return expr;
}

absl::StatusOr<ExprPtr> Parser::Identifier() {
  ExprPtr expr = Make(Expr::Kind::kIdentifier, token_.offset);
  // A leading dot names what is outside of all macros.
  LAMPLIGHTER_ASSIGN_OR_RETURN(const bool outside, Accept("."));
  if (token_.kind != Token::Kind::kIdentifier) return Unexpected();
  const std::string name(token_.text);
  if (std::find(std::begin(kReserved), std::end(kReserved), name) !=
      std::end(kReserved)) {
    return ErrorAt(source_, token_.offset, "reserved identifier: ", name);
  }
  if (name == "true" || name == "false" || name == "null") {
    if (outside) return Unexpected();
    expr->kind = Expr::Kind::kLiteral;
    if (name != "null") expr->value = CelValue::Bool(name == "true");
    LAMPLIGHTER_RETURN_IF_ERROR(Advance());
    return expr;
  }
  expr->name = outside ? absl::StrCat(".", name) : name;
  LAMPLIGHTER_RETURN_IF_ERROR(Advance());
  if (!At("(")) return expr;
  expr->kind = Expr::Kind::kCall;
  expr->name = name;
  expr->offset = token_.offset;
  LAMPLIGHTER_RETURN_IF_ERROR(CallArguments(*expr));
  LAMPLIGHTER_ASSIGN_OR_RETURN(expr, Expand(std::move(expr)));
  return Finish(std::move(expr));
}

absl::StatusOr<ExprPtr> Parser::Literal(Sign sign) {
  ExprPtr expr = Make(Expr::Kind::kLiteral, token_.offset);
  auto value = LiteralValue(token_, sign);
  if (!value.ok()) {
    return ErrorAt(source_, token_.offset, value.status().message());
  }
  expr->value = *std::move(value);
  LAMPLIGHTER_RETURN_IF_ERROR(Advance());
  return expr;
}

}  // namespace lamplighter::dispatcher::cel
