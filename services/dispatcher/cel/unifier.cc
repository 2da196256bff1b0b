#include "services/dispatcher/cel/unifier.h"

#include <utility>
#include <vector>

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelType::Kind;

// The same constructor with other arguments.
CelType Rebuild(const CelType& type, std::vector<CelType> arguments) {
  switch (type.kind()) {
    case Kind::kList:
      return CelType::List(std::move(arguments[0]));
    case Kind::kMap:
      return CelType::Map(std::move(arguments[0]), std::move(arguments[1]));
    case Kind::kType:
      return CelType::TypeOf(std::move(arguments[0]));
    case Kind::kOptional:
      return CelType::Optional(std::move(arguments[0]));
    default:
      return type;
  }
}

CelType ShiftParameters(const CelType& type, int by) {
  if (type.kind() == Kind::kParameter) {
    return CelType::Parameter(type.parameter_id() + by);
  }
  std::vector<CelType> arguments;
  for (const CelType& argument : type.arguments()) {
    arguments.push_back(ShiftParameters(argument, by));
  }
  return Rebuild(type, std::move(arguments));
}

bool IsNullable(const CelType& type) {
  return type.kind() == Kind::kNull || type.kind() == Kind::kOptional ||
         type.kind() == Kind::kTimestamp || type.kind() == Kind::kDuration;
}

bool SaysNoMore(const CelType& a, const CelType& b) {
  if (a.kind() == Kind::kDyn || a.kind() == Kind::kParameter) return true;
  if (a.kind() != b.kind()) return false;
  if (a.kind() == Kind::kType) return true;
  for (size_t i = 0; i < a.arguments().size(); ++i) {
    if (!SaysNoMore(a.arguments()[i], b.arguments()[i])) return false;
  }
  return true;
}

}  // namespace

CelType MostGeneral(const CelType& a, const CelType& b) {
  return SaysNoMore(a, b) ? a : b;
}

std::vector<CelType> Unifier::Instantiate(
    const std::vector<CelType>& signature) {
  std::vector<CelType> own;
  own.reserve(signature.size());
  for (const CelType& type : signature) {
    own.push_back(ShiftParameters(type, next_));
  }
  next_ += 26;
  return own;
}

bool Unifier::Assign(const CelType& from, const CelType& to) {
  return AssignAll(absl::MakeConstSpan(&from, 1), absl::MakeConstSpan(&to, 1));
}

bool Unifier::AssignAll(absl::Span<const CelType> from,
                        absl::Span<const CelType> to) {
  changes_.clear();
  bool works = true;
  for (size_t i = 0; works && i < from.size(); ++i) {
    works = Unify(from[i], to[i]);
  }
  for (; !works && !changes_.empty(); changes_.pop_back()) {
    bound_[changes_.back().first] = std::move(changes_.back().second);
  }
  return works;
}

bool Unifier::Unify(const CelType& from, const CelType& to) {
  if (!Spend()) return false;
  if (to.kind() == Kind::kParameter) {
    const Substitution result = StandsFor(to, from);
    if (result != Substitution::kUnbound) return result == Substitution::kWorks;
  }
  if (from.kind() == Kind::kParameter) {
    return StandsFor(from, to) == Substitution::kWorks;
  }
  if (from.kind() == Kind::kDyn || to.kind() == Kind::kDyn) return true;
  if (from.kind() == Kind::kNull) return IsNullable(to);
  if (to.kind() == Kind::kNull) return IsNullable(from);
  if (from.kind() != to.kind()) return false;
  if (from.kind() == Kind::kType) return true;
  for (size_t i = 0; i < from.arguments().size(); ++i) {
    if (!Unify(from.arguments()[i], to.arguments()[i])) return false;
  }
  return true;
}

Unifier::Substitution Unifier::StandsFor(const CelType& parameter,
                                         const CelType& type) {
  if (type == parameter) return Substitution::kWorks;
  // A copy: what follows may move what is bound.
  const absl::optional<CelType> bound = Bound(parameter);
  if (!bound.has_value()) {
    if (Occurs(parameter, type)) return Substitution::kUnbound;
    Bind(parameter, type);
    return Substitution::kWorks;
  }
  if (*bound == type) return Substitution::kWorks;
  if (!Unify(type, *bound)) return Substitution::kFails;
  CelType general = MostGeneral(type, *bound);
  if (!Occurs(parameter, general)) Bind(parameter, general);
  return Substitution::kWorks;
}

bool Unifier::Occurs(const CelType& parameter, const CelType& within) {
  if (!Spend() || within == parameter) return true;
  if (within.kind() == Kind::kParameter) {
    const absl::optional<CelType> bound = Bound(within);
    return bound.has_value() && Occurs(parameter, *bound);
  }
  for (const CelType& argument : within.arguments()) {
    if (Occurs(parameter, argument)) return true;
  }
  return false;
}

CelType Unifier::Substitute(const CelType& type, Unbound unbound) {
  if (!Spend()) return CelType();
  if (type.kind() == Kind::kParameter) {
    const absl::optional<CelType> bound = Bound(type);
    if (bound.has_value()) return Substitute(*bound, unbound);
    return unbound == Unbound::kKeep ? type : CelType();
  }
  std::vector<CelType> arguments;
  arguments.reserve(type.arguments().size());
  for (const CelType& argument : type.arguments()) {
    arguments.push_back(Substitute(argument, unbound));
  }
  return Rebuild(type, std::move(arguments));
}

void Unifier::Bind(const CelType& parameter, const CelType& type) {
  absl::optional<CelType>& bound = bound_[parameter.parameter_id()];
  changes_.emplace_back(parameter.parameter_id(), std::move(bound));
  bound = type;
}

const absl::optional<CelType>& Unifier::Bound(const CelType& parameter) {
  const auto id = static_cast<size_t>(parameter.parameter_id());
  if (id >= bound_.size()) bound_.resize(id + 1);
  return bound_[id];
}

}  // namespace lamplighter::dispatcher::cel
