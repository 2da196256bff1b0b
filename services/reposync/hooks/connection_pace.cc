#include "services/reposync/hooks/connection_pace.h"

#include <algorithm>

#include "common/grpc/retry_info.h"

namespace lamplighter::reposync {
namespace {

// However long a forge asks to wait.
constexpr absl::Duration kLongestWait = absl::Hours(24);

}  // namespace

bool IsOfConnection(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         absl::IsDeadlineExceeded(status) || absl::IsUnauthenticated(status);
}

bool ConnectionPace::MayStart(const std::string& connection,
                              absl::Duration now) const {
  const auto it = paces_.find(connection);
  return it == paces_.end() || MayStart(it->second, now);
}

std::vector<std::string> ConnectionPace::Busy(absl::Duration now) const {
  std::vector<std::string> busy;
  for (const auto& [connection, pace] : paces_) {
    if (!MayStart(pace, now)) busy.push_back(connection);
  }
  return busy;
}

absl::Duration ConnectionPace::NextFree(absl::Duration now) const {
  absl::Duration next = absl::InfiniteDuration();
  for (const auto& [connection, pace] : paces_) {
    if (pace.waits_until > now) next = std::min(next, pace.waits_until);
  }
  return next;
}

void ConnectionPace::Started(const std::string& connection) {
  ++paces_[connection].running;
}

void ConnectionPace::Ended(const std::string& connection,
                           const absl::Status& status, absl::Duration now,
                           absl::BitGenRef random) {
  const auto it = paces_.find(connection);
  if (it == paces_.end()) return;
  Pace& pace = it->second;
  --pace.running;
  if (IsOfConnection(status)) {
    ++pace.failures;
    const absl::Duration wait =
        std::max(RetryAfter(status).value_or(absl::ZeroDuration()),
                 backoff_.AtLeastHalfAfter(pace.failures, random));
    pace.waits_until =
        std::max(pace.waits_until, now + std::min(wait, kLongestWait));
    return;
  }
  pace.failures = 0;
  if (pace.running == 0 && pace.waits_until <= now) paces_.erase(it);
}

void ConnectionPace::Forgive(const std::string& connection) {
  const auto it = paces_.find(connection);
  if (it == paces_.end()) return;
  it->second.failures = 0;
  it->second.waits_until = absl::ZeroDuration();
}

}  // namespace lamplighter::reposync
