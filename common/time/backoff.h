#pragma once

#include <algorithm>

#include "absl/random/bit_gen_ref.h"
#include "absl/random/random.h"
#include "absl/time/time.h"

namespace lamplighter::dispatcher {

// Exponential backoff with full jitter: after the n-th failure in a row, wait
// for anything between nothing and first * 2^(n-1), or `max` if that is less.
struct Backoff {
  absl::Duration first = absl::Seconds(1);
  absl::Duration max = absl::Minutes(1);

  // `failures` from 1.
  absl::Duration After(int failures, absl::BitGenRef random) const {
    absl::Duration bound = first;
    for (int i = 1; i < failures && bound < max; ++i) bound *= 2;
    return std::min(bound, max) * absl::Uniform(random, 0.0, 1.0);
  }
};

}  // namespace lamplighter::dispatcher
