#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "services/provider/forges/github_api.h"

namespace lamplighter::provider {

// Pages of commits' statuses with the ETags they came with: what GitHub says is
// still the same costs no quota. Many repositories that are reconciled every
// few minutes would use up an hour's requests on reading alone, though nothing
// changes between. Forgets what was longest not asked for. On the loop only.
class StatusPageCache {
 public:
  struct Entry {
    std::string etag;
    StatusPage page;
  };

  explicit StatusPageCache(size_t max_entries = 10'000,
                           size_t max_bytes = 16 << 20)
      : max_entries_(max_entries), max_bytes_(max_bytes) {}

  // Null where there is none. Shared, as what is read may be forgotten while
  // GitHub is asked.
  std::shared_ptr<const Entry> Find(const std::string& key);

  void Keep(const std::string& key, Entry entry);

 private:
  struct Item {
    std::string key;
    std::shared_ptr<const Entry> entry;
    size_t bytes = 0;
  };

  void Forget(std::list<Item>::iterator item);

  const size_t max_entries_;
  const size_t max_bytes_;
  size_t bytes_ = 0;
  std::list<Item> items_;  // what was last asked for first
  absl::flat_hash_map<std::string, std::list<Item>::iterator> index_;
};

}  // namespace lamplighter::provider
