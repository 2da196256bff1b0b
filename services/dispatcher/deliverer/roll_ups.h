#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/deliverer/finished_intent.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

// Statuses that sum up what the objects of several clusters report of one
// commit: what each last reported, by status. In memory; the ledger's topic
// keeps it with the status. On the loop only.
class RollUps {
 public:
  struct Options {
    // Beyond these the roll-up that was not asked for for longest, or the part
    // that is the oldest, is forgotten.
    size_t max_roll_ups = 10'000;
    size_t max_parts = 1000;
  };

  explicit RollUps(const Options& options) : options_(options) {}
  RollUps(const RollUps&) = delete;
  RollUps& operator=(const RollUps&) = delete;

  // Takes the part that `received`, an intent with `roll_up`, reports, and
  // makes of it the intent that sets what all parts say together.
  void Merge(ReceivedIntent& received);

  // Takes what a record of the ledger's topic says.
  void Restore(int32_t partition, const LedgerKey& key,
               const v1::StatusOutcome& outcome);

  // The parts of the status that `intent` sets, for the ledger's topic.
  std::vector<v1::RollUpPart> Parts(const v1::StatusIntent& intent) const;

  // Another process has the partition from now on.
  void Forget(int32_t partition);

  size_t size() const { return roll_ups_.size(); }

 private:
  struct RollUp {
    LedgerKey key;
    int32_t partition = 0;
    int64_t order = -1;  // the highest of the parts
    // By cluster, then by object.
    std::map<std::pair<std::string, std::string>,
             std::pair<Version, v1::RollUpPart>>
        parts;
  };

  RollUp& FindOrMake(const LedgerKey& key, int32_t partition);
  void Put(RollUp& roll_up, v1::RollUpPart part, int64_t order);

  const Options options_;
  std::list<RollUp> roll_ups_;  // the one used last first
  absl::flat_hash_map<LedgerKey, std::list<RollUp>::iterator> index_;
};

}  // namespace lamplighter::dispatcher
