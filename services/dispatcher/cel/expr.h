#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "re2/re2.h"
#include "services/dispatcher/cel/cel_value.h"
#include "services/dispatcher/cel/functions.h"

namespace lamplighter::dispatcher::cel {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

// What loops over a list or map, or looks into an optional: written as calls of
// methods that bind a variable.
enum class Macro {
  kAll,
  kExists,
  kExistsOne,
  kMap,
  kFilter,
  kOptMap,
  kOptFlatMap,
};

// A node of an expression's tree.
struct Expr {
  enum class Kind {
    kLiteral,      // value
    kIdentifier,   // name
    kSelect,       // operands[0].name, or .?name
    kHas,          // has(operands[0].name)
    kIndex,        // operands[0][operands[1]], or [?...]
    kCall,         // name(operands...), or operands[0].name(rest...)
    kOptionalOr,   // operands[0].or(operands[1]), or orValue
    kAnd,          // operands, two or more
    kOr,           // operands, two or more
    kConditional,  // operands[0] ? operands[1] : operands[2]
    kList,         // operands
    kMap,          // operands: key, value, key, value, ...
    kMacro,        // operands: range; name is the variable; then what to do
  };

  Kind kind = Kind::kLiteral;
  size_t offset = 0;  // in the source
  int depth = 1;      // of the tree below, this node included
  CelValue value;
  std::string name;
  std::vector<ExprPtr> operands;
  CallStyle style = CallStyle::kGlobal;
  Macro macro = Macro::kAll;
  // kSelect, kIndex: gives an optional instead of an error. kOptionalOr: gives
  // an optional, not its value.
  bool optional = false;
  // kList: by element; kMap: by entry. The ones that are left out where their
  // value is optional.none().
  std::vector<bool> optional_entries;

  // What the checker found out:

  // kIdentifier, kMacro: where the macro's variable is kept while the
  // expression runs; -1 for variables from outside.
  int slot = -1;
  // kCall: those that the types known beforehand leave possible.
  std::vector<const Overload*> overloads;
  // kCall of matches() with a literal: compiled once.
  std::unique_ptr<const RE2> regex;
};

}  // namespace lamplighter::dispatcher::cel
