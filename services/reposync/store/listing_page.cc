#include "services/reposync/store/listing_page.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
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
using v1::ListRepositoriesResponse;

// Those whose reach has the number of one of these pages.
absl::flat_hash_set<int64_t> HeldBy(Transaction& transaction,
                                    const std::string& connection,
                                    int32_t first, int32_t last) {
  absl::flat_hash_set<int64_t> held;
  int64_t id = 0;
  ForEachRow(
      transaction,
      "SELECT repository FROM reaches WHERE connection = :connection"
      " AND page BETWEEN :first AND :last",
      [&] { held.insert(id); }, use(connection, "connection"),
      use(first, "first"), use(last, "last"), into(id));
  return held;
}

// No page has these any more.
void Strip(Transaction& transaction, const std::string& connection,
           const absl::flat_hash_set<int64_t>& ids) {
  if (ids.empty()) return;
  const std::string array = ArrayOf(
      transaction.dialect, std::vector<int64_t>(ids.begin(), ids.end()));
  Execute(transaction,
          absl::StrCat("UPDATE reaches SET page = NULL"
                       " WHERE connection = :connection AND repository ",
                       InNumbers(transaction.dialect, "ids")),
          use(connection, "connection"), use(array, "ids"));
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
  const int64_t rows = ExecuteAndCount(
      transaction,
      "INSERT INTO pages (connection, number, token, etag, next_token)"
      " VALUES (:connection, :number, :token, :etag, :next)"
      " ON CONFLICT (connection, number) DO UPDATE SET"
      " token = excluded.token, etag = excluded.etag,"
      " next_token = excluded.next_token"
      " WHERE pages.token <> excluded.token OR pages.etag <> excluded.etag"
      " OR pages.next_token <> excluded.next_token",
      use(connection, "connection"), use(listing.next_page, "number"),
      use(page.page_token(), "token"), use(etag, "etag"),
      use(page.next_page_token(), "next"));
  if (rows == 0) return false;
  // Where it leads on to another page than before, the numbers of those that
  // follow mean others, too.
  const int32_t next = listing.next_page + 1;
  int64_t leads_on = 0;
  Execute(transaction,
          "SELECT COUNT(*) FROM pages WHERE connection = :connection"
          " AND number = :next AND token = :token",
          use(connection, "connection"), use(next, "next"),
          use(page.next_page_token(), "token"), into(leads_on));
  if (leads_on == 0) {
    Execute(transaction,
            "DELETE FROM pages WHERE connection = :connection"
            " AND number >= :next",
            use(connection, "connection"), use(next, "next"));
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

// Of a page that was written.
int64_t SeenOn(const PageWritten& page) {
  return page.written.added + page.written.changed + page.written.unchanged;
}

// Moves repositories from the pages that had them to those that list them now.
// Returns whether any moved.
bool MovePages(Transaction& transaction, const std::string& connection,
               const WrittenRows& rows, absl::flat_hash_set<int64_t> held) {
  bool moved = false;
  std::vector<int64_t> taken_from;
  for (const WrittenRow& row : rows.rows) {
    held.erase(row.id);
    if (row.page_before == row.page) continue;
    moved = true;
    if (row.page_before.has_value()) taken_from.push_back(*row.page_before);
  }
  DropEtags(transaction, connection, taken_from);
  Strip(transaction, connection, held);
  return moved || !held.empty();
}

using Pages = absl::Span<const ListRepositoriesResponse>;

// Pages that were read.
absl::Status WriteReadPages(Transaction& transaction, Pages pages,
                            absl::Time now, PagesApplied& applied) {
  Listing& listing = applied.listing;
  const std::string& connection = listing.refresh.connection();
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Reacher reacher,
                               FindReacher(transaction, connection));
  const int32_t first = listing.next_page;
  int32_t end = first;
  std::vector<Told> told;
  for (const ListRepositoriesResponse& page : pages) {
    told.push_back({.page = end++,
                    .repositories = {page.repositories().pointer_begin(),
                                     page.repositories().pointer_end()}});
  }
  absl::flat_hash_set<int64_t> held =
      HeldBy(transaction, connection, first, end - 1);
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const WrittenRows rows,
      WriteRepositories(transaction, reacher, now, told));
  applied.logged |= rows.logged;
  applied.wrote |= rows.logged;
  applied.wrote |= MovePages(transaction, connection, rows, std::move(held));
  for (size_t i = 0; i < pages.size(); ++i) {
    const PageWritten& written = rows.pages[i];
    // One that shares repositories with an earlier page does not have them all.
    applied.wrote |= SavePage(transaction, listing, pages[i],
                              written.seen_before > 0 ? "" : pages[i].etag());
    Advance(listing, pages[i], SeenOn(written));
    applied.written.push_back(written);
  }
  v1::Refresh& refresh = listing.refresh;
  refresh.set_added(refresh.added() + rows.written.added);
  refresh.set_changed(refresh.changed() + rows.written.changed);
  return absl::OkStatus();
}

// One that is not_modified.
absl::Status CountKnownPage(Transaction& transaction,
                            const ListRepositoriesResponse& page,
                            PagesApplied& applied) {
  Listing& listing = applied.listing;
  const std::string& connection = listing.refresh.connection();
  int64_t known = 0;
  Execute(transaction,
          "SELECT COUNT(*) FROM pages WHERE connection = :connection"
          " AND number = :number AND token = :token"
          " AND next_token = :next",
          use(connection, "connection"), use(listing.next_page, "number"),
          use(page.page_token(), "token"), use(page.next_page_token(), "next"),
          into(known));
  if (known == 0) {
    return absl::UnavailableError(
        absl::StrCat("page ", listing.next_page, " of ", connection,
                     " is said to be the same, but what it held has changed "
                     "here meanwhile: it has to be read"));
  }
  int64_t seen = 0;
  Execute(transaction,
          "SELECT COUNT(*) FROM reaches"
          " WHERE connection = :connection AND page = :number",
          use(connection, "connection"), use(listing.next_page, "number"),
          into(seen));
  listing.refresh.set_not_modified(listing.refresh.not_modified() + 1);
  Advance(listing, page, seen);
  applied.written.emplace_back();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<PagesApplied> ApplyPages(
    Transaction& transaction, Listing listing,
    const std::vector<ListRepositoriesResponse>& pages, absl::Time now) {
  PagesApplied applied;
  applied.listing = std::move(listing);
  // Those between two that are not modified at once.
  for (size_t begin = 0; begin < pages.size();) {
    if (pages[begin].not_modified()) {
      const absl::Status counted =
          CountKnownPage(transaction, pages[begin], applied);
      if (absl::IsUnavailable(counted) && begin > 0) return applied;
      LAMPLIGHTER_RETURN_IF_ERROR(counted);
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < pages.size() && !pages[end].not_modified()) ++end;
    LAMPLIGHTER_RETURN_IF_ERROR(WriteReadPages(
        transaction, Pages(pages).subspan(begin, end - begin), now, applied));
    begin = end;
  }
  return applied;
}

}  // namespace lamplighter::reposync
