#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace lamplighter {

// Values by key, of which the one that was not asked for the longest makes
// room. Times are those of Clock::MonotonicNow().
template <typename Value>
class RecentMemory {
 public:
  // `max` from 1.
  explicit RecentMemory(size_t max) : max_(max) {}

  // Null if it is not known, or was before `not_before`. Valid until the next
  // call.
  const Value* Find(const std::string& key, absl::Duration not_before) {
    const auto found = at_.find(key);
    if (found == at_.end() || found->second->when < not_before) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &entries_.front().value;
  }

  void Put(const std::string& key, Value value, absl::Duration now) {
    if (const auto found = at_.find(key); found != at_.end()) {
      entries_.erase(found->second);
      at_.erase(found);
    }
    entries_.push_front({key, std::move(value), now});
    at_[key] = entries_.begin();
    while (entries_.size() > max_) {
      at_.erase(entries_.back().key);
      entries_.pop_back();
    }
  }

 private:
  struct Entry {
    std::string key;
    Value value;
    absl::Duration when;
  };

  const size_t max_;
  std::list<Entry> entries_;  // the least recently used is the last
  absl::flat_hash_map<std::string, typename std::list<Entry>::iterator> at_;
};

}  // namespace lamplighter
