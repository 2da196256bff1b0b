#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamplighter::dispatcher {

// What is known of a value before an expression runs: int, list(string),
// map(string, dyn), ... A plain value.
class CelType {
 public:
  enum class Kind {
    kDyn,  // anything: known only when the expression runs
    kNull,
    kBool,
    kInt,
    kUint,
    kDouble,
    kString,
    kBytes,
    kTimestamp,
    kDuration,
    kList,
    kMap,
    kType,
    kOptional,
    kParameter,  // stands for another type, found out by unification
  };

  // A type without parameters, such as kString.
  explicit CelType(Kind kind = Kind::kDyn) : kind_(kind) {}
  static CelType List(CelType element);
  static CelType Map(CelType key, CelType value);
  static CelType Optional(CelType value);
  static CelType TypeOf(CelType type);
  static CelType Parameter(int id);
  // Of variables that hold JSON objects: map(string, dyn).
  static CelType JsonObject();
  // Reads what ToString() writes; one capital letter is a parameter, whose id
  // is the letter's distance from A.
  static absl::StatusOr<CelType> Parse(absl::string_view text);

  Kind kind() const { return kind_; }
  int parameter_id() const { return parameter_id_; }
  // Element; key and value; value; type.
  const std::vector<CelType>& arguments() const { return arguments_; }
  std::string ToString() const;

  bool operator==(const CelType& other) const = default;

 private:
  CelType(Kind kind, std::vector<CelType> arguments);

  Kind kind_;
  int parameter_id_ = 0;
  int size_ = 1;  // how many types it is made of, itself included
  std::vector<CelType> arguments_;
};

}  // namespace lamplighter::dispatcher
