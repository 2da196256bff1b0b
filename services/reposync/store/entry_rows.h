#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/database.h"
#include "soci/soci.h"

// How rows of repositories are read. Runs on the database's threads.

namespace lamplighter::reposync {

// Values of a statement whose text is put together, by name.
class Bindings {
 public:
  Bindings& Text(std::string name, std::string value) {
    texts_.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  Bindings& Number(std::string name, int64_t value) {
    numbers_.emplace_back(std::move(name), value);
    return *this;
  }
  void Exchange(soci::statement& statement) const;

 private:
  std::deque<std::pair<std::string, std::string>> texts_;  // they stay in place
  std::deque<std::pair<std::string, int64_t>> numbers_;
};

// Entries without reached_by: of "SELECT columns FROM `from`", which calls the
// table repositories by that name.
std::vector<v1::CatalogEntry> LoadEntries(Transaction& transaction,
                                          const std::string& from,
                                          const Bindings& bindings);

// Fills in reached_by, in place of what is there.
void LoadReachedBy(Transaction& transaction,
                   const std::vector<v1::CatalogEntry*>& entries);
void LoadReachedBy(Transaction& transaction,
                   std::vector<v1::CatalogEntry>& entries);

}  // namespace lamplighter::reposync
