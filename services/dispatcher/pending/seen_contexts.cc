#include "services/dispatcher/pending/seen_contexts.h"

#include <algorithm>
#include <utility>

#include "common/time/proto_time.h"
#include "services/dispatcher/ledger/ledger.h"

namespace lamplighter::dispatcher {

void SeenContexts::Note(int32_t partition, const v1::StatusOutcome& outcome) {
  const v1::StatusIntent& intent = outcome.intent();
  const bool is_shown = outcome.result() == v1::StatusOutcome::SET ||
                        outcome.result() == v1::StatusOutcome::UNCHANGED;
  // Pendings must not keep one another alive.
  if (!is_shown || IsStandIn(intent)) return;
  SeenRepository& repository = FindOrMake(intent.repository_id(), partition);
  std::vector<SeenContext>& contexts = repository.contexts;
  auto found = std::find_if(contexts.begin(), contexts.end(),
                            [&intent](const SeenContext& seen) {
                              return seen.context == intent.context();
                            });
  const absl::Time now = FromProto(outcome.decided_at());
  if (found == contexts.end() &&
      contexts.size() >= options_.max_per_repository) {
    found = std::min_element(contexts.begin(), contexts.end(),
                             [](const SeenContext& a, const SeenContext& b) {
                               return a.last < b.last;
                             });
    if (now < found->last) return;
  } else if (found == contexts.end()) {
    found = contexts.insert(contexts.end(), SeenContext());
    found->last = absl::InfinitePast();
    ++size_;
  } else if (now < found->last) {
    return;  // of another commit, and read later
  }
  *found = {intent.context(), intent.provider(), intent.summary(), now};
  while (size_ > options_.max_contexts && repositories_.size() > 1) {
    Remove(std::prev(repositories_.end()));
  }
}

std::vector<SeenContext> SeenContexts::Find(const std::string& repository_id,
                                            absl::Time since) const {
  std::vector<SeenContext> seen;
  const auto found = index_.find(repository_id);
  if (found == index_.end()) return seen;
  const std::vector<SeenContext>& all = found->second->contexts;
  std::copy_if(
      all.begin(), all.end(), std::back_inserter(seen),
      [since](const SeenContext& context) { return context.last >= since; });
  std::sort(seen.begin(), seen.end(),
            [](const SeenContext& a, const SeenContext& b) {
              return a.context < b.context;
            });
  return seen;
}

void SeenContexts::Forget(int32_t partition) {
  for (auto it = repositories_.begin(); it != repositories_.end();) {
    it = it->partition == partition ? Remove(it) : std::next(it);
  }
}

SeenContexts::SeenRepository& SeenContexts::FindOrMake(const std::string& id,
                                                       int32_t partition) {
  const auto found = index_.find(id);
  if (found != index_.end()) {
    repositories_.splice(repositories_.begin(), repositories_, found->second);
  } else {
    repositories_.push_front({id, partition, {}});
    index_[id] = repositories_.begin();
  }
  repositories_.front().partition = partition;
  return repositories_.front();
}

SeenContexts::Place SeenContexts::Remove(Place place) {
  size_ -= place->contexts.size();
  index_.erase(place->id);
  return repositories_.erase(place);
}

}  // namespace lamplighter::dispatcher
