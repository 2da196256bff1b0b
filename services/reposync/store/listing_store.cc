#include "services/reposync/store/listing_store.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "services/reposync/store/listing_missing.h"
#include "services/reposync/store/listing_page.h"
#include "services/reposync/store/refresh_rows.h"
#include "services/reposync/store/repository_rows.h"
#include "services/reposync/store/row_values.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using absl::StatusOr;
using boost::asio::awaitable;
using soci::into;
using soci::use;
using v1::Refresh;

constexpr int32_t kDefaultPageSize = 100;
constexpr int32_t kMaxPageSize = 1000;
constexpr int32_t kMaxRemovedAtOnce = 500;
constexpr int32_t kKeptRefreshes = 100;  // of each connection
// As many as a provider worker takes.
constexpr int32_t kMaxKnownPages = 20'000;

// What a transaction without a result returns.
struct Done {};

// The newest row of a connection, which must not be under way. One whose lease
// ran out broke off then.
StatusOr<absl::optional<Listing>> FindEnded(Transaction& transaction,
                                            const std::string& connection,
                                            absl::Time now) {
  std::vector<RefreshRow> rows =
      LoadRefreshes(transaction, {.connection = connection});
  if (rows.empty()) return absl::nullopt;
  Listing last = std::move(rows[0].listing);
  if (last.refresh.state() != Refresh::RUNNING) return last;
  if (rows[0].lease_until > ToMillis(now)) {
    return absl::AbortedError(absl::StrCat("refresh ", last.refresh.id(),
                                           " of ", connection,
                                           " is under way at ", last.owner));
  }
  last.refresh.set_state(Refresh::FAILED);
  last.refresh.set_error(
      absl::StrCat("it broke off: ", last.owner, " was heard of no more"));
  *last.refresh.mutable_finished_at() = TimestampOf(rows[0].lease_until);
  LAMPLIGHTER_RETURN_IF_ERROR(SaveRefresh(transaction, last));
  return last;
}

// The row that goes on with `last`, or begins anew.
RefreshRow NextRow(const absl::optional<Listing>& last, absl::Time now,
                   absl::Duration resume_within) {
  RefreshRow row;
  if (last.has_value() && last->next_page > 0 &&
      last->refresh.state() == Refresh::FAILED &&
      FromProto(last->refresh.finished_at()) + resume_within > now) {
    row.listing = *last;
    row.listing.refresh.clear_error();
    row.listing.refresh.clear_finished_at();
  } else {
    *row.listing.refresh.mutable_started_at() = ToProto(now);
  }
  return row;
}

}  // namespace

ListingStore::ListingStore(Database& database, CatalogStore& catalog,
                           const Clock& clock)
    : database_(database), catalog_(catalog), clock_(clock) {}

awaitable<StatusOr<Listing>> ListingStore::Begin(std::string connection,
                                                 Refresh::Trigger trigger,
                                                 std::string owner,
                                                 absl::Duration lease,
                                                 absl::Duration resume_within) {
  const absl::Time now = clock_.Now();
  co_return co_await database_.Write<Listing>(
      [=](Transaction& transaction) -> StatusOr<Listing> {
        LAMPLIGHTER_RETURN_IF_ERROR(
            FindReacher(transaction, connection).status());
        LAMPLIGHTER_ASSIGN_OR_RETURN(const auto last,
                                     FindEnded(transaction, connection, now));
        RefreshRow row = NextRow(last, now, resume_within);
        row.listing.refresh.set_connection(connection);
        row.listing.refresh.set_trigger(trigger);
        row.listing.refresh.set_state(Refresh::RUNNING);
        row.listing.owner = owner;
        row.lease_until = ToMillis(now + lease);
        InsertRefresh(transaction, row);
        return std::move(row.listing);
      });
}

awaitable<StatusOr<std::vector<v1::KnownPage>>> ListingStore::KnownPages(
    std::string connection) {
  using Pages = std::vector<v1::KnownPage>;
  co_return co_await database_.Read<Pages>(
      [connection](Transaction& transaction) -> StatusOr<Pages> {
        std::string token;
        std::string etag;
        std::string next;
        soci::statement statement =
            (transaction.sql.prepare
                 << "SELECT token, etag, next_token FROM pages"
                    " WHERE connection = :connection AND etag <> ''"
                    " AND next_token <> '' ORDER BY number LIMIT "
                 << kMaxKnownPages,
             use(connection, "connection"), into(token), into(etag),
             into(next));
        statement.execute();
        Pages pages;
        while (statement.fetch()) {
          v1::KnownPage& page = pages.emplace_back();
          page.set_page_token(token);
          page.set_etag(etag);
          page.set_next_page_token(next);
        }
        return pages;
      });
}

awaitable<StatusOr<std::vector<PageWritten>>> ListingStore::WritePages(
    Listing& listing, std::vector<v1::ListRepositoriesResponse> pages,
    bool save_position, absl::Duration lease) {
  const absl::Time now = clock_.Now();
  const bool are_known =
      std::all_of(pages.begin(), pages.end(),
                  [](const auto& page) { return page.not_modified(); });
  auto work = [listing, pages = std::move(pages), save_position, now,
               lease](Transaction& transaction) -> StatusOr<PagesApplied> {
    LAMPLIGHTER_RETURN_IF_ERROR(CheckLease(transaction, listing));
    LAMPLIGHTER_ASSIGN_OR_RETURN(PagesApplied applied,
                                 ApplyPages(transaction, listing, pages, now));
    if (save_position || applied.wrote) {
      LAMPLIGHTER_RETURN_IF_ERROR(SaveRefresh(transaction, applied.listing));
      LAMPLIGHTER_RETURN_IF_ERROR(
          RenewLease(transaction, applied.listing, now + lease));
    }
    return applied;
  };
  // What only reads holds up nobody who writes.
  StatusOr<PagesApplied> applied =
      are_known && !save_position
          ? co_await database_.Read<PagesApplied>(std::move(work))
          : co_await database_.Write<PagesApplied>(std::move(work));
  if (!applied.ok()) co_return applied.status();
  listing = std::move(applied->listing);
  if (applied->logged) catalog_.Changed();
  co_return std::move(applied->written);
}

awaitable<absl::Status> ListingStore::Renew(const Listing& listing,
                                            absl::Duration lease) {
  const absl::Time until = clock_.Now() + lease;
  const StatusOr<Done> done = co_await database_.Write<Done>(
      [listing, until](Transaction& transaction) -> StatusOr<Done> {
        LAMPLIGHTER_RETURN_IF_ERROR(RenewLease(transaction, listing, until));
        return Done{};
      });
  co_return done.status();
}

awaitable<StatusOr<Missing>> ListingStore::CountMissing(
    const Listing& listing, absl::Duration confirm_after) {
  co_return co_await database_.Read<Missing>(
      [listing, confirm_after](Transaction& transaction) -> StatusOr<Missing> {
        return MissingOf(listing, confirm_after).Count(transaction);
      });
}

awaitable<StatusOr<int64_t>> ListingStore::RemoveMissing(
    Listing& listing, bool confirmed_only, absl::Duration confirm_after) {
  const absl::Time now = clock_.Now();
  const StatusOr<Listing> after = co_await database_.Write<Listing>(
      [listing, confirmed_only, confirm_after,
       now](Transaction& transaction) -> StatusOr<Listing> {
        LAMPLIGHTER_RETURN_IF_ERROR(CheckLease(transaction, listing));
        const std::vector<int64_t> ids =
            MissingOf(listing, confirm_after)
                .Find(transaction, confirmed_only, kMaxRemovedAtOnce);
        Listing after = listing;
        if (ids.empty()) return after;
        LAMPLIGHTER_ASSIGN_OR_RETURN(
            const int64_t removed,
            RemoveReaches(transaction, listing.refresh.connection(), ids, now));
        after.refresh.set_removed(after.refresh.removed() + removed);
        LAMPLIGHTER_RETURN_IF_ERROR(SaveRefresh(transaction, after));
        return after;
      });
  if (!after.ok()) co_return after.status();
  const int64_t removed = after->refresh.removed() - listing.refresh.removed();
  listing = *after;
  if (removed > 0) catalog_.Changed();
  co_return removed;
}

awaitable<absl::Status> ListingStore::NoteMissing(const Listing& listing) {
  const absl::Time now = clock_.Now();
  const StatusOr<Done> done = co_await database_.Write<Done>(
      [listing, now](Transaction& transaction) -> StatusOr<Done> {
        LAMPLIGHTER_RETURN_IF_ERROR(CheckLease(transaction, listing));
        MissingOf(listing, absl::ZeroDuration()).Note(transaction, now);
        return Done{};
      });
  co_return done.status();
}

awaitable<absl::Status> ListingStore::End(Listing& listing) {
  const StatusOr<Done> done = co_await database_.Write<Done>(
      [listing](Transaction& transaction) -> StatusOr<Done> {
        LAMPLIGHTER_RETURN_IF_ERROR(SaveRefresh(transaction, listing));
        if (listing.refresh.state() == Refresh::FAILED) return Done{};
        transaction.sql << "DELETE FROM pages WHERE connection = :connection"
                           " AND number >= :next_page",
            use(listing.refresh.connection(), "connection"),
            use(listing.next_page, "next_page");
        return Done{};
      });
  co_return done.status();
}

awaitable<StatusOr<v1::ListRefreshesResponse>> ListingStore::List(
    v1::ListRefreshesRequest request) {
  RefreshQuery query = {.connection = request.connection()};
  query.limit = request.page_size() <= 0
                    ? kDefaultPageSize
                    : std::min(request.page_size(), kMaxPageSize);
  if (!request.page_token().empty() &&
      (!absl::SimpleAtoi(request.page_token(), &query.before) ||
       query.before <= 0)) {
    co_return absl::InvalidArgumentError(
        "page_token: must be the next_page_token of a page before");
  }
  auto rows = co_await database_.Read<std::vector<RefreshRow>>(
      [query](Transaction& transaction) -> StatusOr<std::vector<RefreshRow>> {
        RefreshQuery one_more = query;
        ++one_more.limit;
        return LoadRefreshes(transaction, one_more);
      });
  if (!rows.ok()) co_return rows.status();
  v1::ListRefreshesResponse response;
  for (RefreshRow& row : *rows) {
    if (response.refreshes_size() == query.limit) {
      response.set_next_page_token(
          absl::StrCat(response.refreshes().rbegin()->id()));
      break;
    }
    *response.add_refreshes() = std::move(row.listing.refresh);
  }
  co_return response;
}

awaitable<StatusOr<ListingStore::Newest>> ListingStore::FindNewest(
    std::string connection) {
  co_return co_await database_.Read<Newest>(
      [connection](Transaction& transaction) -> StatusOr<Newest> {
        Newest newest;
        for (RefreshRow& row :
             LoadRefreshes(transaction, {.connection = connection})) {
          newest.refresh = std::move(row.listing.refresh);
        }
        for (RefreshRow& row : LoadRefreshes(
                 transaction,
                 {.connection = connection, .state = Refresh::DONE})) {
          newest.done = std::move(row.listing.refresh);
        }
        return newest;
      });
}

awaitable<StatusOr<int64_t>> ListingStore::DropOld() {
  co_return co_await database_.Write<int64_t>(
      [](Transaction& transaction) -> StatusOr<int64_t> {
        const int done = Refresh::DONE;
        soci::statement statement =
            (transaction.sql.prepare
                 << "DELETE FROM refreshes WHERE id IN (SELECT id FROM"
                    " (SELECT id, ROW_NUMBER() OVER (PARTITION BY connection"
                    " ORDER BY id DESC) AS place FROM refreshes) AS placed"
                    " WHERE place > "
                 << kKeptRefreshes
                 << ") AND id NOT IN (SELECT MAX(id) FROM refreshes"
                    " WHERE state = :done GROUP BY connection)",
             use(done, "done"));
        statement.execute(true);
        return statement.get_affected_rows();
      });
}

}  // namespace lamplighter::reposync
