#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/dispatcher/cel/cel_options.h"
#include "services/dispatcher/cel/expr.h"
#include "services/dispatcher/cel/unifier.h"

namespace lamplighter::dispatcher::cel {

// Works out the types of an expression, and with them which variables and
// functions its names mean. Errors are InvalidArgument and name the place.
class Checker {
 public:
  // Both outlive the checker.
  Checker(absl::string_view source, const CelOptions& options)
      : source_(source), options_(options) {}

  // To be called once. Fills in what Expr says that the checker finds out, and
  // returns the type of the result.
  absl::StatusOr<CelType> Check(Expr& root);

  // How many variables of macros there are at once, at most.
  int slots() const { return slots_; }

 private:
  struct Local {
    std::string name;
    CelType type;
  };
  // Types that have to be the same when all is known.
  struct Pair {
    CelType first;
    CelType other;
    size_t offset;
  };

  absl::StatusOr<CelType> Type(Expr& expr);
  absl::StatusOr<CelType> TypeOfIdentifier(Expr& expr);
  absl::StatusOr<CelType> TypeOfSelect(Expr& expr);
  absl::StatusOr<CelType> TypeOfIndex(Expr& expr);
  absl::StatusOr<CelType> TypeOfCall(Expr& expr);
  absl::StatusOr<CelType> TypeOfLogic(Expr& expr);
  absl::StatusOr<CelType> TypeOfConditional(Expr& expr);
  absl::StatusOr<CelType> TypeOfList(Expr& expr);
  absl::StatusOr<CelType> TypeOfMap(Expr& expr);
  absl::StatusOr<CelType> TypeOfMacro(Expr& expr);
  absl::StatusOr<CelType> TypeOfVariable(const Expr& macro,
                                         const CelType& range);
  absl::StatusOr<CelType> TypeOfMacroResult(Expr& macro,
                                            const CelType& variable);
  absl::Status RequireBool(const Expr& expr, const CelType& type);

  // The variable or type of that name outside of all macros, or nothing.
  absl::optional<CelType> Global(const std::string& name, Expr& expr) const;
  // a.b.c, where `expr` is nothing but names and `a` no variable of a macro;
  // else empty.
  std::string QualifiedName(const Expr& expr) const;
  bool IsLocal(absl::string_view name) const;

  // The type of a call with arguments of these types; keeps the overloads.
  absl::StatusOr<CelType> Resolve(Expr& call, const Function& function,
                                  CallStyle style,
                                  const std::vector<CelType>& arguments);
  // The next element of a literal whose elements so far have the type `joined`.
  CelType Join(const absl::optional<CelType>& joined, const CelType& next,
               size_t offset);
  absl::StatusOr<CelType> UnwrapEntry(const Expr& entry, const CelType& type,
                                      bool optional);
  absl::Status PrepareRegex(Expr& call) const;

  CelType Known(const CelType& type) {
    return unifier_.Substitute(type, Unifier::Unbound::kKeep);
  }
  // In words, for messages.
  std::string Name(const CelType& type) {
    return unifier_.Substitute(type, Unifier::Unbound::kDyn).ToString();
  }

  const absl::string_view source_;
  const CelOptions& options_;
  Unifier unifier_;
  std::vector<Local> locals_;
  std::vector<Pair> same_;
  int formats_ = 0;  // calls of format() around what is looked at
  int slots_ = 0;
};

}  // namespace lamplighter::dispatcher::cel
