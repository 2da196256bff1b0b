#include "services/reposync/store/listing_missing.h"

#include <limits>

#include "common/time/proto_time.h"
#include "services/reposync/store/row_values.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using soci::into;
using soci::use;

constexpr char kIsMissing[] =
    "((reaches.page IS NULL OR reaches.page >= :pages)"
    " AND COALESCE(reaches.confirmed_at, 0) < :began)";
constexpr char kIsConfirmed[] =
    "(COALESCE(reaches.missing_since, 0) BETWEEN 1 AND :since)";
constexpr int kFewestOfGroup = 3;
constexpr int kMaxLostGroups = 10;

}  // namespace

MissingOf::MissingOf(const Listing& listing, absl::Duration confirm_after)
    : connection_(listing.refresh.connection()),
      pages_(listing.next_page),
      began_(ToMillis(listing.refresh.started_at())),
      confirmed_if_since_(
          ToMillis(FromProto(listing.refresh.started_at()) - confirm_after)) {}

Missing MissingOf::Count(Transaction& transaction) const {
  Missing missing;
  transaction.sql << "SELECT COUNT(*), COALESCE(SUM(CASE WHEN " << kIsMissing
                  << " THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN "
                  << kIsMissing << " AND " << kIsConfirmed
                  << " THEN 1 ELSE 0 END), 0) FROM reaches"
                     " WHERE connection = :connection",
      use(pages_, "pages"), use(began_, "began"),
      use(confirmed_if_since_, "since"), use(connection_, "connection"),
      into(missing.reached), into(missing.missing), into(missing.confirmed);
  if (missing.missing < kFewestOfGroup) return missing;
  std::string group;
  soci::statement statement =
      (transaction.sql.prepare
           << "SELECT repositories.group_name FROM reaches JOIN repositories"
              " ON repositories.id = reaches.repository"
              " WHERE reaches.connection = :connection"
              " AND repositories.group_name <> ''"
              " GROUP BY repositories.group_name HAVING COUNT(*) >= "
           << kFewestOfGroup << " AND COUNT(*) = SUM(CASE WHEN " << kIsMissing
           << " THEN 1 ELSE 0 END) ORDER BY repositories.group_name LIMIT "
           << kMaxLostGroups,
       use(connection_, "connection"), use(pages_, "pages"),
       use(began_, "began"), into(group));
  statement.execute();
  while (statement.fetch()) missing.lost_groups.push_back(group);
  return missing;
}

std::vector<int64_t> MissingOf::Find(Transaction& transaction,
                                     bool confirmed_only, int32_t limit) const {
  // No limits where all of it is asked for.
  const int64_t from = confirmed_only ? 1 : 0;
  const int64_t to = confirmed_only ? confirmed_if_since_
                                    : std::numeric_limits<int64_t>::max();
  int64_t id = 0;
  soci::statement statement =
      (transaction.sql.prepare
           << "SELECT repository FROM reaches WHERE connection = :connection"
              " AND "
           << kIsMissing
           << " AND COALESCE(reaches.missing_since, 0) BETWEEN :from AND :to"
              " ORDER BY repository LIMIT "
           << limit,
       use(connection_, "connection"), use(pages_, "pages"),
       use(began_, "began"), use(from, "from"), use(to, "to"), into(id));
  statement.execute();
  std::vector<int64_t> ids;
  while (statement.fetch()) ids.push_back(id);
  return ids;
}

void MissingOf::Note(Transaction& transaction, absl::Time now) const {
  const int64_t since = ToMillis(now);
  transaction.sql << "UPDATE reaches SET missing_since = CASE WHEN "
                  << kIsMissing
                  << " THEN CAST(:now AS BIGINT) END"
                     " WHERE connection = :connection"
                     " AND (COALESCE(missing_since, 0) = 0) = "
                  << kIsMissing,
      use(pages_, "pages"), use(began_, "began"), use(since, "now"),
      use(connection_, "connection");
}

}  // namespace lamplighter::reposync
