#pragma once

#include <cstddef>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/time/clock.h"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider {

// Remembers what forges said of credentials' quotas: which are limited, so that
// no call is made that the forge would only refuse (and hold against us), and
// what the others have left. On the loop only.
class RateLimits {
 public:
  // Knows at most `max_credentials` of each kind at once and forgets the
  // soonest to end beyond that. `clock` must outlive this.
  explicit RateLimits(const Clock& clock, size_t max_credentials = 10'000)
      : clock_(clock), max_credentials_(max_credentials) {}

  // `credential` may not be used for so long.
  void Limit(const std::string& credential, absl::Duration duration);

  // How long it may still not be used; zero if it may.
  absl::Duration Remaining(const std::string& credential);

  // What its forge last said.
  void Observe(const std::string& credential, const ForgeRateLimit& quota);

  // The same, as long as that window lasts.
  absl::optional<ForgeRateLimit> Quota(const std::string& credential);

 private:
  const Clock& clock_;
  const size_t max_credentials_;
  // When it ends, as Clock::MonotonicNow().
  absl::flat_hash_map<std::string, absl::Duration> ends_;
  absl::flat_hash_map<std::string, ForgeRateLimit> quotas_;
};

}  // namespace lamplighter::provider
