#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace lamplighter {

// A commit status as GitHub keeps it.
struct ScriptedStatus {
  int64_t id = 0;
  std::string context;
  std::string state;
  std::string description;
  std::string target_url;
  absl::Time created_at;
};

// The commit statuses of a scripted forge: all of a commit's history, in
// memory. Forgets the oldest commits beyond its bound.
class StatusStore {
 public:
  // As many as GitHub takes of one context on one commit.
  static constexpr size_t kMaxPerContext = 1000;

  explicit StatusStore(size_t max_statuses = 1'000'000)
      : max_statuses_(max_statuses) {}

  // Null if the commit has as many of the context as it ever will. Valid until
  // the next call. `commit` is any key.
  const ScriptedStatus* Add(const std::string& commit, ScriptedStatus status);

  // All of them, oldest first.
  const std::vector<ScriptedStatus>& History(const std::string& commit) const;

  // The newest of each context (contexts ignore case), newest first.
  std::vector<const ScriptedStatus*> Newest(const std::string& commit) const;

  void Clear();

  size_t statuses() const { return statuses_; }
  size_t commits() const { return commits_.size(); }

 private:
  struct Context {
    size_t count = 0;
    size_t newest = 0;  // index in the history
  };
  struct Commit {
    std::vector<ScriptedStatus> history;
    absl::flat_hash_map<std::string, Context> contexts;  // by lower-case name
  };

  void ForgetOldest();

  const size_t max_statuses_;
  size_t statuses_ = 0;
  int64_t last_id_ = 0;
  absl::flat_hash_map<std::string, Commit> commits_;
  std::deque<std::string> oldest_first_;
};

}  // namespace lamplighter
