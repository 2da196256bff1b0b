#include "tests/forges/status_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"

namespace lamplighter {

const ScriptedStatus* StatusStore::Add(const std::string& commit,
                                       ScriptedStatus status) {
  const auto [it, is_new] = commits_.try_emplace(commit);
  if (is_new) oldest_first_.push_back(commit);
  Commit& known = it->second;
  Context& context = known.contexts[absl::AsciiStrToLower(status.context)];
  if (context.count == kMaxPerContext) return nullptr;
  ++context.count;
  context.newest = known.history.size();
  status.id = ++last_id_;
  known.history.push_back(std::move(status));
  ++statuses_;
  while (statuses_ > max_statuses_ && commits_.size() > 1) ForgetOldest();
  return &commits_[commit].history.back();
}

void StatusStore::ForgetOldest() {
  const auto it = commits_.find(oldest_first_.front());
  statuses_ -= it->second.history.size();
  commits_.erase(it);
  oldest_first_.pop_front();
}

const std::vector<ScriptedStatus>& StatusStore::History(
    const std::string& commit) const {
  static const auto* const none = new std::vector<ScriptedStatus>();
  const auto it = commits_.find(commit);
  return it == commits_.end() ? *none : it->second.history;
}

std::vector<const ScriptedStatus*> StatusStore::Newest(
    const std::string& commit) const {
  std::vector<const ScriptedStatus*> newest;
  const auto it = commits_.find(commit);
  if (it == commits_.end()) return newest;
  for (const auto& [name, context] : it->second.contexts) {
    newest.push_back(&it->second.history[context.newest]);
  }
  std::sort(newest.begin(), newest.end(),
            [](const auto* a, const auto* b) { return a->id > b->id; });
  return newest;
}

void StatusStore::Clear() {
  commits_.clear();
  oldest_first_.clear();
  statuses_ = 0;
}

}  // namespace lamplighter
