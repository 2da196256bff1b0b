#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/optional.h"
#include "services/dispatcher/cel/cel_type.h"
#include "services/dispatcher/cel/cel_value.h"

namespace lamplighter::dispatcher {

struct CelVariable {
  std::string name;  // may have dots: a.b
  CelType type = CelType::JsonObject();
};

// What an expression may use, and must give. The limits are far beyond what
// people write; they are there so that no expression can hold up the process.
struct CelOptions {
  std::vector<CelVariable> variables;
  // What the result must be known to be before the expression runs.
  absl::optional<CelType> result;
  // Names and types are checked beforehand. Without it what is wrong with them
  // is an error where the expression comes to it.
  bool check = true;
  // Lists and maps written out in an expression may mix types. Flux's may not.
  bool mixed_literals = false;
  size_t max_source_bytes = 32 << 10;
  int64_t max_steps = 200'000;       // of one evaluation
  int64_t max_made_bytes = 4 << 20;  // by one evaluation
};

// Values of variables by name.
using CelBindings = absl::flat_hash_map<std::string, CelValue>;

}  // namespace lamplighter::dispatcher
