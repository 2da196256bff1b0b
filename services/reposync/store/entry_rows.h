#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/statements.h"

// How rows of repositories are read. Runs on the database's threads.

namespace lamplighter::reposync {

// Entries without reached_by: of "SELECT columns FROM `from`", which calls the
// table repositories by that name.
std::vector<v1::CatalogEntry> LoadEntries(Transaction& transaction,
                                          const std::string& from,
                                          const Bindings& bindings);
// The same with reached_by, which is looked up before rows are put in order.
std::vector<v1::CatalogEntry> LoadWholeEntries(Transaction& transaction,
                                               const std::string& from,
                                               const Bindings& bindings);

// No repository has a higher id; 0 where there is none.
int64_t LastRepositoryId(Transaction& transaction);

// Fills in reached_by, in place of what is there.
void LoadReachedBy(Transaction& transaction,
                   const std::vector<v1::CatalogEntry*>& entries);
void LoadReachedBy(Transaction& transaction,
                   std::vector<v1::CatalogEntry>& entries);

}  // namespace lamplighter::reposync
