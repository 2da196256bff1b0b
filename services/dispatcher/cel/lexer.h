#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamplighter::dispatcher::cel {

struct Token {
  enum class Kind {
    kEnd,
    kIdentifier,         // name
    kEscapedIdentifier,  // `a-b`, without the quotes
    kInt,                // 12 or 0x1f
    kUint,               // 12u
    kDouble,             // 1.5e3
    kString,             // with prefix and quotes
    kBytes,              // the same
    kSymbol,             // an operator, a bracket, `in`
  };
  Kind kind = Kind::kEnd;
  absl::string_view text;  // part of the source
  size_t offset = 0;       // of the token in the source
};

// Cuts an expression into tokens. The source outlives it and them.
class Lexer {
 public:
  explicit Lexer(absl::string_view source) : source_(source) {}

  // The next token; kEnd again and again at the end. InvalidArgument says where
  // the source holds what is no token.
  absl::StatusOr<Token> Next();

 private:
  void SkipSpaceAndComments();
  absl::StatusOr<Token> Number();
  absl::StatusOr<Token> Quoted(size_t prefix, Token::Kind kind);
  absl::StatusOr<Token> EscapedIdentifier();
  Token Take(Token::Kind kind, size_t length);
  // The byte so far ahead; 0 beyond the end.
  char Peek(size_t ahead) const;

  const absl::string_view source_;
  size_t position_ = 0;
};

}  // namespace lamplighter::dispatcher::cel
