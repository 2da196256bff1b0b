#include "services/provider/rate_limits.h"

#include <algorithm>

namespace lamplighter::provider {
namespace {

// Makes room for `key` in a map that holds `max` at most: those that have ended
// go, else the soonest to end. `end` is an entry's.
template <typename Map, typename Now, typename End>
void MakeRoom(Map& map, const std::string& key, size_t max, Now now, End end) {
  if (map.size() < max || map.contains(key)) return;
  absl::erase_if(map, [&](const auto& entry) { return end(entry) <= now; });
  if (map.size() < max) return;
  map.erase(std::min_element(
      map.begin(), map.end(),
      [&](const auto& a, const auto& b) { return end(a) < end(b); }));
}

}  // namespace

void RateLimits::Limit(const std::string& credential, absl::Duration duration) {
  const absl::Duration now = clock_.MonotonicNow();
  MakeRoom(ends_, credential, max_credentials_, now,
           [](const auto& entry) { return entry.second; });
  ends_[credential] = now + duration;
}

absl::Duration RateLimits::Remaining(const std::string& credential) {
  const auto it = ends_.find(credential);
  if (it == ends_.end()) return absl::ZeroDuration();
  const absl::Duration remaining = it->second - clock_.MonotonicNow();
  if (remaining > absl::ZeroDuration()) return remaining;
  ends_.erase(it);
  return absl::ZeroDuration();
}

void RateLimits::Observe(const std::string& credential,
                         const ForgeRateLimit& quota) {
  MakeRoom(quotas_, credential, max_credentials_, clock_.Now(),
           [](const auto& entry) { return entry.second.resets_at; });
  quotas_[credential] = quota;
}

absl::optional<ForgeRateLimit> RateLimits::Quota(
    const std::string& credential) {
  const auto it = quotas_.find(credential);
  if (it == quotas_.end()) return absl::nullopt;
  if (it->second.resets_at > clock_.Now()) return it->second;
  quotas_.erase(it);
  return absl::nullopt;
}

}  // namespace lamplighter::provider
