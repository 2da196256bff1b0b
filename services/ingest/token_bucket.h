#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/time/time.h"

namespace lamplighter::ingest {

// Lets so many through a second on average, and a burst beyond. On the loop
// only.
class TokenBucket {
 public:
  // Starts full. Both are more than 0, and may be infinite; a burst is at least
  // 1.
  TokenBucket(double per_second, double burst)
      : per_second_(per_second), burst_(burst), tokens_(burst) {}

  // Takes a token and returns zero; or, if there is none, returns in what time
  // there will be one. `now` is monotonic.
  absl::Duration Take(absl::Duration now) {
    if (std::isinf(per_second_)) return absl::ZeroDuration();
    // At first since no time in particular: the bucket is full.
    const double passed = absl::ToDoubleSeconds(
        std::max(now - std::exchange(filled_, now), absl::ZeroDuration()));
    tokens_ = std::min(burst_, tokens_ + passed * per_second_);
    if (tokens_ < 1) return absl::Seconds((1 - tokens_) / per_second_);
    tokens_ -= 1;
    return absl::ZeroDuration();
  }

 private:
  const double per_second_;
  const double burst_;
  double tokens_;
  absl::Duration filled_ = absl::ZeroDuration();
};

}  // namespace lamplighter::ingest
