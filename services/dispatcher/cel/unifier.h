#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "services/dispatcher/cel/cel_type.h"

namespace lamplighter::dispatcher::cel {

// Finds out what the parameters of types stand for, by what is assigned to
// what. Unlike in other languages, dyn fits everything both ways.
class Unifier {
 public:
  // A parameter of its own.
  CelType Fresh() { return CelType::Parameter(next_++); }
  // A copy of a signature whose parameters A to Z are its own.
  std::vector<CelType> Instantiate(const std::vector<CelType>& signature);

  // Whether values of `from` may go where `to` is wanted. If so, what that says
  // about parameters is kept; if not, nothing is.
  bool Assign(const CelType& from, const CelType& to);
  // The same for all of them, in order; as many of one as of the other.
  bool AssignAll(absl::Span<const CelType> from, absl::Span<const CelType> to);

  enum class Unbound { kKeep, kDyn };
  // `type` with what is known put in; what is not is left or becomes dyn.
  CelType Substitute(const CelType& type, Unbound unbound);

  // The types took too much work; all answers since then are worthless.
  bool used_up() const { return steps_ < 0; }

 private:
  bool Unify(const CelType& from, const CelType& to);
  enum class Substitution { kWorks, kFails, kUnbound };
  // Whether `parameter` may stand for `type`.
  Substitution StandsFor(const CelType& parameter, const CelType& type);
  bool Occurs(const CelType& parameter, const CelType& within);
  void Bind(const CelType& parameter, const CelType& type);
  const absl::optional<CelType>& Bound(const CelType& parameter);
  bool Spend() { return --steps_ >= 0; }

  int64_t steps_ = 500'000;
  int next_ = 26;
  std::vector<absl::optional<CelType>> bound_;  // by id of the parameter
  // What bound_ held before, to go back to.
  std::vector<std::pair<int, absl::optional<CelType>>> changes_;
};

// The one of two types that fit each other that says less.
CelType MostGeneral(const CelType& a, const CelType& b);

}  // namespace lamplighter::dispatcher::cel
