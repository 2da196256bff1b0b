#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"

namespace lamplighter::dispatcher::cel {

// A step walks over so many bytes of text.
constexpr size_t kBytesAStep = 64;

// What one evaluation may still use. Once used up it stays so.
class Budget {
 public:
  Budget(int64_t steps, int64_t bytes) : steps_(steps), bytes_(bytes) {}

  // To be called before the work is done.
  absl::Status Spend(int64_t steps) {
    steps_ -= steps;
    if (steps_ >= 0) return absl::OkStatus();
    steps_ = -1;
    return absl::InvalidArgumentError(
        "the expression takes too many steps: make it simpler");
  }

  // To be called before a value of this size is made. What is freed is not
  // given back, so this bounds the work as well.
  absl::Status Allocate(size_t bytes) {
    if (bytes <= static_cast<size_t>(bytes_)) {
      bytes_ -= static_cast<int64_t>(bytes);
      return absl::OkStatus();
    }
    bytes_ = 0;
    steps_ = -1;
    return absl::InvalidArgumentError(
        "the expression makes too much data: make it simpler");
  }

  // Errors of a used up budget are not absorbed by || and &&.
  bool used_up() const { return steps_ < 0; }

 private:
  int64_t steps_;
  int64_t bytes_;
};

}  // namespace lamplighter::dispatcher::cel
