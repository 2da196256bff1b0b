#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/database.h"

// How repositories, who reaches them and the log of their changes are written,
// for the stores that do so. Runs on the database's threads, in a transaction
// that may write; what SOCI throws passes through to Database.

namespace lamplighter::reposync {

// What became of repositories that were written.
struct Written {
  int64_t added = 0;      // new to the connection
  int64_t changed = 0;    // other than they were
  int64_t unchanged = 0;  // not written
};

// A connection, with what all its repositories have in common.
struct Reacher {
  std::string connection;
  std::string type;
  std::string instance;
};

// NotFound where there is no such connection.
absl::StatusOr<Reacher> FindReacher(Transaction& transaction,
                                    const std::string& connection);

// What a connection was told of at once: by a page of a listing, or, without
// its number, by a look-up.
struct Told {
  absl::optional<int32_t> page;
  std::vector<const v1::CatalogRepository*> repositories;
};

// What came of it.
struct PageWritten {
  Written written;
  // Repositories of the page that an earlier page of the listing had.
  int64_t seen_before = 0;
};

// One of the repositories that were written.
struct WrittenRow {
  int64_t id = 0;
  absl::optional<int32_t> page;         // that told of it
  absl::optional<int32_t> page_before;  // that had it, of these or later ones
};

struct WrittenRows {
  Written written;                 // of all
  std::vector<PageWritten> pages;  // of each that told
  std::vector<WrittenRow> rows;    // in order of first appearance, each once
  bool logged = false;             // a change was appended
};

// Writes what differs from what the catalog has, and appends the changes. Of a
// repository that comes several times the first counts. One that was removed
// comes back with the id it had.
//
// Pages are of one listing, one after the other. What they list gets their
// number, and is no longer missing. What a page before the first of these has,
// stays with that one and is not written: pages come in order, so these were
// all read or found to be the same by now.
//
// What a look-up tells of keeps its page (none, where it is new), is no longer
// missing, and its `confirmed_at` is `now`.
absl::StatusOr<WrittenRows> WriteRepositories(Transaction& transaction,
                                              const Reacher& reacher,
                                              absl::Time now,
                                              const std::vector<Told>& told);
// The same of one.
absl::StatusOr<WrittenRows> WriteRepositories(
    Transaction& transaction, const Reacher& reacher,
    absl::optional<int32_t> page, absl::Time now,
    const std::vector<v1::CatalogRepository>& repositories);

// The connection no longer reaches these repositories, 1,000 at most. Those
// that no other reaches become tombstones. Returns how many it reached.
absl::StatusOr<int64_t> RemoveReaches(Transaction& transaction,
                                      const std::string& connection,
                                      const std::vector<int64_t>& repositories,
                                      absl::Time now);

}  // namespace lamplighter::reposync
