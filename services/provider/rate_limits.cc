#include "services/provider/rate_limits.h"

#include <algorithm>

namespace lamplighter::provider {

void RateLimits::Limit(const std::string& credential, absl::Duration duration) {
  if (!ends_.contains(credential) && ends_.size() >= max_credentials_) {
    MakeRoom();
  }
  ends_[credential] = clock_.MonotonicNow() + duration;
}

absl::Duration RateLimits::Remaining(const std::string& credential) {
  const auto it = ends_.find(credential);
  if (it == ends_.end()) return absl::ZeroDuration();
  const absl::Duration remaining = it->second - clock_.MonotonicNow();
  if (remaining > absl::ZeroDuration()) return remaining;
  ends_.erase(it);
  return absl::ZeroDuration();
}

void RateLimits::MakeRoom() {
  const absl::Duration now = clock_.MonotonicNow();
  absl::erase_if(ends_,
                 [now](const auto& entry) { return entry.second <= now; });
  if (ends_.size() < max_credentials_) return;
  ends_.erase(std::min_element(
      ends_.begin(), ends_.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; }));
}

}  // namespace lamplighter::provider
