#include "services/dispatcher/deliverer/roll_ups.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/time/proto_time.h"

namespace lamplighter::dispatcher {
namespace {

// Clusters named in a description, which forges cut at 140 characters.
constexpr size_t kNamedClusters = 5;

bool IsFailure(v1::CommitState state) {
  return state == v1::FAILURE || state == v1::ERROR;
}

Version VersionOfPart(const v1::RollUpPart& part, int64_t order) {
  return {absl::ToUnixNanos(FromProto(part.event_time())), order};
}

// What the clusters say together.
struct Sum {
  size_t clusters = 0;
  size_t reconciled = 0;
  std::vector<std::string> failed;
};

v1::CommitState StateOf(const Sum& sum) {
  if (!sum.failed.empty()) return v1::FAILURE;
  return sum.reconciled == sum.clusters ? v1::SUCCESS : v1::PENDING;
}

std::string DescriptionOf(const Sum& sum) {
  if (sum.failed.empty()) {
    return absl::StrCat(sum.reconciled, " of ", sum.clusters,
                        " clusters reconciled");
  }
  std::string text = absl::StrCat(sum.failed.size(), " of ", sum.clusters,
                                  " clusters failed: ");
  for (size_t i = 0; i < sum.failed.size(); ++i) {
    if (i == kNamedClusters) {
      absl::StrAppend(&text, ", ...");
      break;
    }
    absl::StrAppend(&text, i == 0 ? "" : ", ", sum.failed[i]);
  }
  return text;
}

}  // namespace

void RollUps::Merge(ReceivedIntent& received) {
  v1::StatusIntent& intent = received.intent;
  RollUp& roll_up =
      FindOrMake(MakeLedgerKey(LedgerName(intent)), received.origin.partition);
  v1::RollUpPart part;
  part.set_cluster(intent.cluster().empty() ? "default" : intent.cluster());
  v1::ObjectReference& object = *part.mutable_involved_object();
  object.set_kind(intent.involved_object().kind());
  object.set_namespace_(intent.involved_object().namespace_());
  object.set_name(intent.involved_object().name());
  part.set_state(intent.state());
  *part.mutable_event_time() = intent.event_time();
  Put(roll_up, part, received.order());
  received.part = std::move(part);

  Sum sum;
  Version newest;
  for (auto it = roll_up.parts.begin(); it != roll_up.parts.end();) {
    const std::string& cluster = it->first.first;
    bool failed = false;
    bool reconciled = true;
    for (; it != roll_up.parts.end() && it->first.first == cluster; ++it) {
      const auto& [version, reported] = it->second;
      failed = failed || IsFailure(reported.state());
      reconciled = reconciled && reported.state() == v1::SUCCESS;
      if (newest < version) {
        newest = version;
        *intent.mutable_event_time() = reported.event_time();
      }
    }
    ++sum.clusters;
    if (reconciled) ++sum.reconciled;
    if (failed) sum.failed.push_back(cluster);
  }
  sum.clusters =
      std::max<size_t>(sum.clusters, std::max(intent.roll_up().clusters(), 0));
  intent.set_state(StateOf(sum));
  intent.set_description(DescriptionOf(sum));
  // Later than all that was made of fewer parts, whichever part came last.
  received.merged_order = roll_up.order;
}

void RollUps::Restore(int32_t partition, const LedgerKey& key,
                      const v1::StatusOutcome& outcome) {
  if (outcome.roll_up_parts().empty()) return;
  RollUp& roll_up = FindOrMake(key, partition);
  for (const v1::RollUpPart& part : outcome.roll_up_parts()) {
    Put(roll_up, part, outcome.order());
  }
}

std::vector<v1::RollUpPart> RollUps::Parts(
    const v1::StatusIntent& intent) const {
  std::vector<v1::RollUpPart> parts;
  const auto found = index_.find(MakeLedgerKey(LedgerName(intent)));
  if (found == index_.end()) return parts;
  for (const auto& [object, part] : found->second->parts) {
    parts.push_back(part.second);
  }
  return parts;
}

void RollUps::Forget(int32_t partition) {
  for (auto it = roll_ups_.begin(); it != roll_ups_.end();) {
    if (it->partition != partition) {
      ++it;
      continue;
    }
    index_.erase(it->key);
    it = roll_ups_.erase(it);
  }
}

RollUps::RollUp& RollUps::FindOrMake(const LedgerKey& key, int32_t partition) {
  const auto found = index_.find(key);
  if (found != index_.end()) {
    roll_ups_.splice(roll_ups_.begin(), roll_ups_, found->second);
    return roll_ups_.front();
  }
  if (roll_ups_.size() >= options_.max_roll_ups) {
    index_.erase(roll_ups_.back().key);
    roll_ups_.pop_back();
  }
  roll_ups_.push_front({key, partition, -1, {}});
  index_[key] = roll_ups_.begin();
  return roll_ups_.front();
}

void RollUps::Put(RollUp& roll_up, v1::RollUpPart part, int64_t order) {
  roll_up.order = std::max(roll_up.order, order);
  const Version version = VersionOfPart(part, order);
  const v1::ObjectReference& object = part.involved_object();
  auto& known = roll_up.parts[{
      part.cluster(), absl::StrCat(object.kind(), "/", object.namespace_(), "/",
                                   object.name())}];
  if (version < known.first) return;
  known = {version, std::move(part)};
  if (roll_up.parts.size() <= options_.max_parts) return;
  roll_up.parts.erase(std::min_element(roll_up.parts.begin(),
                                       roll_up.parts.end(),
                                       [](const auto& a, const auto& b) {
                                         return a.second.first < b.second.first;
                                       }));
}

}  // namespace lamplighter::dispatcher
