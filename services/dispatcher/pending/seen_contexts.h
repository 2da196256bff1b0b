#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {

// A context that results were set for.
struct SeenContext {
  std::string context;
  // By whom, and with which summary (part of a status's name on Azure DevOps).
  v1::ProviderRef provider;
  std::string summary;
  absl::Time last;
};

// Which contexts results were last set for, by repository, and when. In memory;
// the ledger's topic keeps what it is made from. On the loop only.
class SeenContexts {
 public:
  struct Options {
    // Beyond these the context of a repository that was set before all others,
    // and the repository that was not heard of for longest, are forgotten.
    size_t max_per_repository = 100;
    size_t max_contexts = 100'000;
  };

  explicit SeenContexts(const Options& options) : options_(options) {}
  SeenContexts(const SeenContexts&) = delete;
  SeenContexts& operator=(const SeenContexts&) = delete;

  // What became of an intent of `partition`. Counts where a result is shown.
  void Note(int32_t partition, const v1::StatusOutcome& outcome);

  // Those of a repository that were set at `since` or later, by context.
  std::vector<SeenContext> Find(const std::string& repository_id,
                                absl::Time since) const;

  // Another process has the partition from now on.
  void Forget(int32_t partition);

  // Contexts of all repositories.
  size_t size() const { return size_; }

 private:
  struct SeenRepository {
    std::string id;
    int32_t partition = 0;
    std::vector<SeenContext> contexts;
  };
  using Place = std::list<SeenRepository>::iterator;

  SeenRepository& FindOrMake(const std::string& id, int32_t partition);
  Place Remove(Place place);

  const Options options_;
  std::list<SeenRepository> repositories_;  // the one heard of last first
  absl::flat_hash_map<std::string, Place> index_;
  size_t size_ = 0;
};

}  // namespace lamplighter::dispatcher
