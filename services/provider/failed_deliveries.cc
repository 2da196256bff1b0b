#include "services/provider/failed_deliveries.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/hash/hash.h"

namespace lamplighter::provider {
namespace {

// Of a reading: 50,000 deliveries on GitHub, 10,000 on GitLab. What is older
// than that is left out.
constexpr size_t kMaxPages = 500;
constexpr size_t kMaxFailures = 10'000;
constexpr int kMaxTries = 8;
constexpr absl::Duration kFirstWait = absl::Minutes(10);

}  // namespace

FailedDeliveries::Change FailedDeliveries::Add(const DeliveryPage& page) {
  Change change;
  bool is_known = false;
  // The whole page, also beyond what is known: a delivery that took long may
  // have come into the list below others that were read before it.
  for (const WebhookDelivery& delivery : page.deliveries) {
    newest_ = std::max(newest_, delivery.id);
    is_known = is_known || delivery.id <= read_up_to_;
    // Of an event's attempts only the newest counts.
    if (!seen_.insert(absl::HashOf(delivery.guid)).second) continue;
    if (!delivery.has_failed) {
      failures_.erase(delivery.guid);
      continue;
    }
    Failure& failure = FailureOf(delivery.guid);
    if (delivery.id <= failure.delivery) continue;
    failure.delivery = delivery.id;
    if (failure.tries == 0) {
      ++change.found;
    } else if (failure.awaits_result) {
      failure.awaits_result = false;
      ++change.failed_again;
      if (failure.tries == kMaxTries) ++change.given_up;
    }
  }
  if (is_known || page.next.empty() || ++pages_ == kMaxPages) {
    read_up_to_ = std::max(read_up_to_, newest_);
    BeginAnew();
  } else {
    next_page_ = page.next;
  }
  return change;
}

void FailedDeliveries::BeginAnew() {
  next_page_.clear();
  newest_ = 0;
  pages_ = 0;
  seen_.clear();
}

std::vector<FailedDeliveries::Due> FailedDeliveries::DueAt(
    absl::Time now) const {
  std::vector<Due> due;
  for (const auto& [guid, failure] : failures_) {
    if (failure.awaits_result || failure.tries == kMaxTries) continue;
    if (failure.next_try <= now) due.push_back({guid, failure.delivery});
  }
  absl::c_sort(
      due, [](const Due& a, const Due& b) { return a.delivery < b.delivery; });
  return due;
}

void FailedDeliveries::Redelivered(const std::string& guid, absl::Time now) {
  Failure& failure = failures_[guid];
  Tried(failure, now);
  failure.awaits_result = true;
}

FailedDeliveries::Change FailedDeliveries::Refused(const std::string& guid,
                                                   absl::Time now) {
  Failure& failure = failures_[guid];
  Tried(failure, now);
  Change change;
  change.failed_again = 1;
  change.given_up = failure.tries == kMaxTries ? 1 : 0;
  return change;
}

void FailedDeliveries::Tried(Failure& failure, absl::Time now) {
  failure.next_try = now + kFirstWait * (1 << failure.tries);
  ++failure.tries;
}

FailedDeliveries::Failure& FailedDeliveries::FailureOf(
    const std::string& guid) {
  if (failures_.size() >= kMaxFailures && !failures_.contains(guid)) {
    failures_.erase(std::min_element(
        failures_.begin(), failures_.end(), [](const auto& a, const auto& b) {
          return a.second.delivery < b.second.delivery;
        }));
  }
  return failures_[guid];
}

}  // namespace lamplighter::provider
