// The parser's part for what stands in brackets: arguments, lists and maps.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/parser.h"
#include "services/dispatcher/cel/position.h"

namespace lamplighter::dispatcher::cel {
namespace {

struct MacroRow {
  absl::string_view name;
  size_t arguments;
  Macro macro;
};

constexpr MacroRow kMacros[] = {
    {"all", 2, Macro::kAll},
    {"exists", 2, Macro::kExists},
    {"exists_one", 2, Macro::kExistsOne},
    {"map", 2, Macro::kMap},
    {"map", 3, Macro::kMap},
    {"filter", 2, Macro::kFilter},
    {"optMap", 2, Macro::kOptMap},
    {"optFlatMap", 2, Macro::kOptFlatMap},
};

}  // namespace

absl::Status Parser::CallArguments(Expr& call) {
  LAMPLIGHTER_RETURN_IF_ERROR(Expect("("));
  if (!At(")")) {
    for (bool more = true; more;) {
      LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr argument, Conditional());
      call.operands.push_back(std::move(argument));
      LAMPLIGHTER_ASSIGN_OR_RETURN(more, Accept(","));
    }
  }
  return Expect(")");
}

absl::StatusOr<ExprPtr> Parser::Expand(ExprPtr call) {
  if (call->style == CallStyle::kGlobal) {
    if (call->name != "has" || call->operands.size() != 1) return call;
    ExprPtr field = std::move(call->operands[0]);
    if (field->kind != Expr::Kind::kSelect || field->optional) {
      return ErrorAt(source_, field->offset,
                     "invalid argument to has() macro: write has(a.b)");
    }
    field->kind = Expr::Kind::kHas;
    return field;
  }
  const size_t arguments = call->operands.size() - 1;
  for (const MacroRow& row : kMacros) {
    if (row.name != call->name || row.arguments != arguments) continue;
    const Expr& variable = *call->operands[1];
    if (variable.kind != Expr::Kind::kIdentifier || variable.name[0] == '.') {
      return ErrorAt(source_, variable.offset,
                     "argument is not an identifier: ", row.name,
                     "() needs the name of a variable first");
    }
    call->kind = Expr::Kind::kMacro;
    call->macro = row.macro;
    call->name = variable.name;
    call->operands.erase(call->operands.begin() + 1);
    return call;
  }
  return call;
}

absl::StatusOr<ExprPtr> Parser::List() {
  ExprPtr list = Make(Expr::Kind::kList, token_.offset);
  LAMPLIGHTER_RETURN_IF_ERROR(Expect("["));
  bool more = true;
  while (more && !At("]") && !At(",")) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const bool optional, Accept("?"));
    list->optional_entries.push_back(optional);
    LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr element, Conditional());
    list->operands.push_back(std::move(element));
    LAMPLIGHTER_ASSIGN_OR_RETURN(more, Accept(","));
  }
  if (list->operands.empty()) LAMPLIGHTER_RETURN_IF_ERROR(Accept(",").status());
  LAMPLIGHTER_RETURN_IF_ERROR(Expect("]"));
  return Finish(std::move(list));
}

absl::StatusOr<ExprPtr> Parser::Map() {
  ExprPtr map = Make(Expr::Kind::kMap, token_.offset);
  LAMPLIGHTER_RETURN_IF_ERROR(Expect("{"));
  bool more = true;
  while (more && !At("}") && !At(",")) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const bool optional, Accept("?"));
    map->optional_entries.push_back(optional);
    LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr key, Conditional());
    map->operands.push_back(std::move(key));
    LAMPLIGHTER_RETURN_IF_ERROR(Expect(":"));
    LAMPLIGHTER_ASSIGN_OR_RETURN(ExprPtr value, Conditional());
    map->operands.push_back(std::move(value));
    LAMPLIGHTER_ASSIGN_OR_RETURN(more, Accept(","));
  }
  if (map->operands.empty()) LAMPLIGHTER_RETURN_IF_ERROR(Accept(",").status());
  LAMPLIGHTER_RETURN_IF_ERROR(Expect("}"));
  return Finish(std::move(map));
}

absl::Status Parser::Advance() {
  LAMPLIGHTER_ASSIGN_OR_RETURN(token_, lexer_.Next());
  return absl::OkStatus();
}

bool Parser::At(absl::string_view symbol) const {
  return token_.kind == Token::Kind::kSymbol && token_.text == symbol;
}

absl::StatusOr<bool> Parser::Accept(absl::string_view symbol) {
  if (!At(symbol)) return false;
  LAMPLIGHTER_RETURN_IF_ERROR(Advance());
  return true;
}

absl::Status Parser::Expect(absl::string_view symbol) {
  if (At(symbol)) return Advance();
  return ErrorAt(source_, token_.offset, "syntax error: expected '", symbol,
                 "' but found ", Found());
}

absl::Status Parser::Unexpected() const {
  if (At("{")) {
    return ErrorAt(source_, token_.offset,
                   "messages cannot be made: write a map, {'key': value}");
  }
  return ErrorAt(source_, token_.offset, "syntax error: unexpected ", Found());
}

std::string Parser::Found() const {
  if (token_.kind == Token::Kind::kEnd) return "the end";
  return absl::StrCat("'", token_.text, "'");
}

ExprPtr Parser::Make(Expr::Kind kind, size_t offset) const {
  auto expr = std::make_unique<Expr>();
  expr->kind = kind;
  expr->offset = offset;
  return expr;
}

absl::StatusOr<ExprPtr> Parser::Finish(ExprPtr expr) const {
  for (const ExprPtr& operand : expr->operands) {
    expr->depth = std::max(expr->depth, operand->depth + 1);
  }
  if (expr->depth <= kMaxDepth) return expr;
  return ErrorAt(source_, expr->offset, "nested deeper than ", kMaxDepth);
}

}  // namespace lamplighter::dispatcher::cel
