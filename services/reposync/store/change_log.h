#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/database.h"

// The log of what happened to repositories. Runs on the database's threads.

namespace lamplighter::reposync {

// One of its entries, as it is written.
struct Change {
  v1::RepositoryChange::Kind kind;
  const v1::CatalogEntry* entry;
  std::string previous_repository_id;
};

// Appends them in order. Numbers have no gap: the newest is never deleted, and
// only one writes at a time.
void AppendChanges(Transaction& transaction, absl::Time now,
                   const std::vector<Change>& changes);

// Number of the newest; 0 before the first.
int64_t LastChangeOf(Transaction& transaction);

}  // namespace lamplighter::reposync
