#include "services/reposync/store/listing_page.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/reposync/store/repository_rows.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/row_values.h"
#include "services/reposync/store/statements.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using soci::into;
using soci::use;
using v1::CatalogRepository;
using v1::ListRepositoriesResponse;

// Forge ids of what earlier pages of the listing have. Pages come in order, so
// these are all that have a lesser number: all of them were read or found to be
// the same by now.
absl::flat_hash_set<std::string> SeenBefore(
    Transaction& transaction, const Listing& listing,
    const std::string& instance, std::vector<std::string> forge_ids) {
  absl::flat_hash_set<std::string> seen;
  if (forge_ids.empty() || listing.next_page == 0) return seen;
  const std::string array = ArrayOf(transaction.dialect, forge_ids);
  std::string forge_id;
  ForEachRow(
      transaction,
      // CROSS JOIN has SQLite begin with the few of the page: else it reads
      // all that earlier pages have.
      absl::StrCat("SELECT repositories.forge_id FROM repositories"
                   " CROSS JOIN reaches"
                   " WHERE reaches.repository = repositories.id"
                   " AND repositories.instance = :instance"
                   " AND reaches.connection = :connection"
                   " AND reaches.page < :page AND repositories.forge_id ",
                   InTexts(transaction.dialect, "forge_ids")),
      [&] { seen.insert(forge_id); }, use(instance, "instance"),
      use(listing.refresh.connection(), "connection"),
      use(listing.next_page, "page"), use(array, "forge_ids"), into(forge_id));
  return seen;
}

// The page no longer has what it had before.
int64_t Strip(Transaction& transaction, const std::string& connection,
              int32_t page, const std::vector<int64_t>& kept) {
  soci::statement statement =
      (transaction.sql.prepare
           << "UPDATE reaches SET page = NULL WHERE connection = :connection"
              " AND page = :page AND repository NOT IN "
           << IdList(kept),
       use(connection, "connection"), use(page, "page"));
  statement.execute(true);
  return statement.get_affected_rows();
}

// What these pages held has gone to another: an ETag of theirs no longer stands
// for what is in the rows.
void DropEtags(Transaction& transaction, const std::string& connection,
               const std::vector<int64_t>& pages) {
  if (pages.empty()) return;
  transaction.sql << "UPDATE pages SET etag = '' WHERE connection = :connection"
                     " AND etag <> '' AND number IN "
                  << IdList(pages),
      use(connection, "connection");
}

// Returns whether it differs from what is known of the page.
bool SavePage(Transaction& transaction, const Listing& listing,
              const ListRepositoriesResponse& page, const std::string& etag) {
  const std::string& connection = listing.refresh.connection();
  soci::statement statement =
      (transaction.sql.prepare
           << "INSERT INTO pages (connection, number, token, etag, next_token)"
              " VALUES (:connection, :number, :token, :etag, :next)"
              " ON CONFLICT (connection, number) DO UPDATE SET"
              " token = excluded.token, etag = excluded.etag,"
              " next_token = excluded.next_token"
              " WHERE pages.token <> excluded.token"
              " OR pages.etag <> excluded.etag"
              " OR pages.next_token <> excluded.next_token",
       use(connection, "connection"), use(listing.next_page, "number"),
       use(page.page_token(), "token"), use(etag, "etag"),
       use(page.next_page_token(), "next"));
  statement.execute(true);
  if (statement.get_affected_rows() == 0) return false;
  // Where it leads on to another page than before, the numbers of those that
  // follow mean others, too.
  const int32_t next = listing.next_page + 1;
  int64_t leads_on = 0;
  transaction.sql << "SELECT COUNT(*) FROM pages WHERE connection = :connection"
                     " AND number = :next AND token = :token",
      use(connection, "connection"), use(next, "next"),
      use(page.next_page_token(), "token"), into(leads_on);
  if (leads_on == 0) {
    transaction.sql << "DELETE FROM pages WHERE connection = :connection"
                       " AND number >= :next",
        use(connection, "connection"), use(next, "next");
  }
  return true;
}

void Advance(Listing& listing, const ListRepositoriesResponse& page,
             int64_t seen) {
  v1::Refresh& refresh = listing.refresh;
  refresh.set_requests(refresh.requests() + 1);
  refresh.set_seen(refresh.seen() + seen);
  ++listing.next_page;
  listing.next_page_token = page.next_page_token();
}

// What no earlier page has; counts what one has.
std::vector<CatalogRepository> FirstSeen(Transaction& transaction,
                                         const Listing& listing,
                                         const std::string& instance,
                                         const ListRepositoriesResponse& page,
                                         int64_t& seen_before) {
  std::vector<std::string> forge_ids;
  for (const CatalogRepository& repository : page.repositories()) {
    forge_ids.push_back(repository.forge_id());
  }
  const auto seen =
      SeenBefore(transaction, listing, instance, std::move(forge_ids));
  std::vector<CatalogRepository> first;
  for (const CatalogRepository& repository : page.repositories()) {
    if (!seen.contains(repository.forge_id())) first.push_back(repository);
  }
  seen_before = page.repositories_size() - static_cast<int64_t>(first.size());
  return first;
}

}  // namespace

absl::StatusOr<PageApplied> WriteReadPage(Transaction& transaction,
                                          Listing listing,
                                          const ListRepositoriesResponse& page,
                                          absl::Time now) {
  const int32_t number = listing.next_page;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const Reacher reacher,
      FindReacher(transaction, listing.refresh.connection()));
  PageApplied applied;
  const std::vector<CatalogRepository> first =
      FirstSeen(transaction, listing, reacher.instance, page,
                applied.written.seen_before);
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const WrittenRows rows,
      WriteRepositories(transaction, reacher, number, now, first));
  applied.written.written = rows.written;
  applied.logged = rows.logged;
  std::vector<int64_t> ids;
  std::vector<int64_t> taken_from;
  for (const WrittenRow& row : rows.rows) {
    ids.push_back(row.id);
    if (row.page_before == number) continue;
    applied.wrote = true;
    if (row.page_before.has_value()) taken_from.push_back(*row.page_before);
  }
  DropEtags(transaction, reacher.connection, taken_from);
  applied.wrote |=
      Strip(transaction, reacher.connection, number, ids) > 0 || rows.logged;
  // One that shares repositories with an earlier page does not have them all.
  applied.wrote |= SavePage(transaction, listing, page,
                            applied.written.seen_before > 0 ? "" : page.etag());
  v1::Refresh& refresh = listing.refresh;
  refresh.set_added(refresh.added() + rows.written.added);
  refresh.set_changed(refresh.changed() + rows.written.changed);
  Advance(listing, page, static_cast<int64_t>(ids.size()));
  applied.listing = std::move(listing);
  return applied;
}

absl::StatusOr<PageApplied> CountKnownPage(
    Transaction& transaction, Listing listing,
    const ListRepositoriesResponse& page) {
  const std::string& connection = listing.refresh.connection();
  int64_t known = 0;
  transaction.sql << "SELECT COUNT(*) FROM pages WHERE connection = :connection"
                     " AND number = :number AND token = :token"
                     " AND next_token = :next",
      use(connection, "connection"), use(listing.next_page, "number"),
      use(page.page_token(), "token"), use(page.next_page_token(), "next"),
      into(known);
  if (known == 0) {
    return absl::UnavailableError(
        absl::StrCat("page ", listing.next_page, " of ", connection,
                     " is said to be the same, but what it held has changed "
                     "here meanwhile: it has to be read"));
  }
  int64_t seen = 0;
  transaction.sql << "SELECT COUNT(*) FROM reaches"
                     " WHERE connection = :connection AND page = :number",
      use(connection, "connection"), use(listing.next_page, "number"),
      into(seen);
  listing.refresh.set_not_modified(listing.refresh.not_modified() + 1);
  Advance(listing, page, seen);
  PageApplied applied;
  applied.listing = std::move(listing);
  return applied;
}

}  // namespace lamplighter::reposync
