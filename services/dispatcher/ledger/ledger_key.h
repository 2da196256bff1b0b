#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {

// One (repository id, sha, context), in as few bytes as tell millions of them
// apart for sure.
struct LedgerKey {
  uint64_t high = 0;
  uint64_t low = 0;

  friend bool operator==(const LedgerKey&, const LedgerKey&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const LedgerKey& key) {
    return H::combine(std::move(state), key.low);  // a hash as it is
  }
};

// The key of the intent's record on the ledger's topic.
std::string LedgerName(const v1::StatusIntent& intent);

// `name` is a LedgerName().
LedgerKey MakeLedgerKey(absl::string_view name);

}  // namespace lamplighter::dispatcher
