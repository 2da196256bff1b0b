#include "services/dispatcher/cel/lexer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "services/dispatcher/cel/position.h"
#include "services/dispatcher/cel/utf8.h"

namespace lamplighter::dispatcher::cel {
namespace {

bool BeginsIdentifier(char c) { return absl::ascii_isalpha(c) || c == '_'; }
bool ContinuesIdentifier(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// Longer ones first.
constexpr absl::string_view kSymbols[] = {
    "==", "!=", "<=", ">=", "&&", "||", "<", ">", "[", "]", "{", "}",
    "(",  ")",  ".",  ",",  "-",  "!",  "?", ":", "+", "*", "/", "%"};

// How many of the characters before the quote belong to the literal: r, b, br.
size_t QuotePrefix(absl::string_view text) {
  size_t length = 0;
  if (length < text.size() && absl::ascii_tolower(text[length]) == 'b') {
    ++length;
  }
  if (length < text.size() && absl::ascii_tolower(text[length]) == 'r') {
    ++length;
  }
  const bool quoted =
      length < text.size() && (text[length] == '"' || text[length] == '\'');
  return quoted ? length : absl::string_view::npos;
}

}  // namespace

absl::StatusOr<Token> Lexer::Next() {
  SkipSpaceAndComments();
  const absl::string_view rest = source_.substr(position_);
  if (rest.empty()) return Take(Token::Kind::kEnd, 0);
  if (const size_t prefix = QuotePrefix(rest);
      prefix != absl::string_view::npos) {
    const bool bytes = absl::ascii_tolower(rest[0]) == 'b';
    return Quoted(prefix, bytes ? Token::Kind::kBytes : Token::Kind::kString);
  }
  if (BeginsIdentifier(rest[0])) {
    size_t length = 1;
    while (ContinuesIdentifier(Peek(length))) ++length;
    return Take(rest.substr(0, length) == "in" ? Token::Kind::kSymbol
                                               : Token::Kind::kIdentifier,
                length);
  }
  if (absl::ascii_isdigit(rest[0]) ||
      (rest[0] == '.' && absl::ascii_isdigit(Peek(1)))) {
    return Number();
  }
  if (rest[0] == '`') return EscapedIdentifier();
  for (const absl::string_view symbol : kSymbols) {
    if (absl::StartsWith(rest, symbol)) {
      return Take(Token::Kind::kSymbol, symbol.size());
    }
  }
  return ErrorAt(source_, position_, "syntax error: unexpected character '",
                 rest.substr(0, DecodeFirst(rest).length), "'");
}

void Lexer::SkipSpaceAndComments() {
  for (;;) {
    const char c = Peek(0);
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') {
      ++position_;
    } else if (c == '/' && Peek(1) == '/') {
      const size_t end = source_.find('\n', position_);
      position_ = end == absl::string_view::npos ? source_.size() : end;
    } else {
      return;
    }
  }
}

absl::StatusOr<Token> Lexer::Number() {
  size_t length = 0;
  Token::Kind kind = Token::Kind::kInt;
  if (Peek(0) == '0' && Peek(1) == 'x' && absl::ascii_isxdigit(Peek(2))) {
    length = 2;
    while (absl::ascii_isxdigit(Peek(length))) ++length;
  } else {
    while (absl::ascii_isdigit(Peek(length))) ++length;
    if (Peek(length) == '.' && absl::ascii_isdigit(Peek(length + 1))) {
      kind = Token::Kind::kDouble;
      ++length;
      while (absl::ascii_isdigit(Peek(length))) ++length;
    }
    if (absl::ascii_tolower(Peek(length)) == 'e') {
      const size_t sign =
          Peek(length + 1) == '+' || Peek(length + 1) == '-' ? 1 : 0;
      if (absl::ascii_isdigit(Peek(length + 1 + sign))) {
        kind = Token::Kind::kDouble;
        length += 1 + sign;
        while (absl::ascii_isdigit(Peek(length))) ++length;
      }
    }
  }
  if (kind == Token::Kind::kInt && absl::ascii_tolower(Peek(length)) == 'u') {
    kind = Token::Kind::kUint;
    ++length;
  }
  return Take(kind, length);
}

absl::StatusOr<Token> Lexer::Quoted(size_t prefix, Token::Kind kind) {
  const char quote = Peek(prefix);
  const bool raw = prefix > 0 && absl::ascii_tolower(Peek(prefix - 1)) == 'r';
  const bool triple = Peek(prefix + 1) == quote && Peek(prefix + 2) == quote;
  const size_t width = triple ? 3 : 1;
  size_t length = prefix + width;
  for (; position_ + length < source_.size(); ++length) {
    const char c = Peek(length);
    if (!triple && (c == '\n' || c == '\r')) break;
    if (c == '\\' && !raw) {
      ++length;  // what is escaped ends nothing
    } else if (c == quote && (!triple || (Peek(length + 1) == quote &&
                                          Peek(length + 2) == quote))) {
      return Take(kind, length + width);
    }
  }
  return ErrorAt(source_, position_, "syntax error: text without closing ",
                 source_.substr(position_ + prefix, width));
}

absl::StatusOr<Token> Lexer::EscapedIdentifier() {
  size_t length = 1;
  while (absl::ascii_isalnum(Peek(length)) ||
         (Peek(length) != '\0' && absl::string_view("_.-/ ").find(Peek(
                                      length)) != absl::string_view::npos)) {
    ++length;
  }
  if (length == 1 || Peek(length) != '`') {
    return ErrorAt(source_, position_, "syntax error: bad name in backquotes");
  }
  Token token = Take(Token::Kind::kEscapedIdentifier, length + 1);
  token.text = token.text.substr(1, length - 1);
  return token;
}

Token Lexer::Take(Token::Kind kind, size_t length) {
  const Token token{kind, source_.substr(position_, length), position_};
  position_ += length;
  return token;
}

char Lexer::Peek(size_t ahead) const {
  return position_ + ahead < source_.size() ? source_[position_ + ahead] : '\0';
}

}  // namespace lamplighter::dispatcher::cel
