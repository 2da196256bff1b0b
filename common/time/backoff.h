#pragma once

#include <algorithm>

#include "absl/random/bit_gen_ref.h"
#include "absl/random/random.h"
#include "absl/time/time.h"

namespace lamplighter {

// Exponential backoff: how long to wait after failures in a row.
struct Backoff {
  absl::Duration first = absl::Seconds(1);
  absl::Duration max = absl::Minutes(1);

  // After the n-th (from 1) failure in a row: first * 2^(n-1), or `max` if that
  // is less.
  absl::Duration Bound(int failures) const {
    absl::Duration bound = first;
    for (int i = 1; i < failures && bound < max; ++i) bound *= 2;
    return std::min(bound, max);
  }

  // With full jitter: anything between nothing and the bound.
  absl::Duration After(int failures, absl::BitGenRef random) const {
    return Bound(failures) * absl::Uniform(random, 0.0, 1.0);
  }

  // With less: at least half of the bound, for whom a pause is asked for.
  absl::Duration AtLeastHalfAfter(int failures, absl::BitGenRef random) const {
    return Bound(failures) * absl::Uniform(random, 0.5, 1.0);
  }
};

}  // namespace lamplighter
