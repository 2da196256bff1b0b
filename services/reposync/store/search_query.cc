#include "services/reposync/store/search_query.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace lamplighter::reposync {
namespace {

// What things cost, as many times as going on by one entry of a list does.
struct Costs {
  double row;      // to read it and look at it
  double look_up;  // to look for it in a list without going through that
  double list;     // to begin with a list
};
constexpr Costs kSqlite = {1000, 60, 120};
constexpr Costs kPostgresql = {1000, 7500, 10000};

std::string Join(const std::vector<std::string>& matches,
                 absl::string_view between) {
  if (matches.size() < 2) return absl::StrJoin(matches, between);
  return absl::StrCat("(", absl::StrJoin(matches, between), ")");
}

absl::string_view Or(Dialect dialect) {
  return dialect == Dialect::kSqlite ? " OR " : " | ";
}

absl::string_view And(Dialect dialect) {
  return dialect == Dialect::kSqlite ? " AND " : " & ";
}

}  // namespace

IndexQuery IndexQueries::InLists(const std::vector<std::string>& lists) const {
  const char* const quote = dialect_ == Dialect::kSqlite ? "\"" : "'";
  IndexQuery query;
  std::vector<std::string> matches;
  size_t read = 0;
  for (const std::string& list : lists) {
    matches.push_back(absl::StrCat(quote, list, quote));
    read += sample_.Find(list, query.sampled);
  }
  query.match = Join(matches, Or(dialect_));
  query.rows = RowsOf(query.sampled);
  query.read = static_cast<double>(read) * sample_.weight();
  query.lists = lists.size();
  return query;
}

IndexQuery IndexQueries::InListsThatBegin(const std::string& prefix,
                                          const std::vector<std::string>& known,
                                          bool are_all) const {
  IndexQuery query = InLists(known);
  if (dialect_ == Dialect::kSqlite || known.size() < 2) {
    query.finds_all = are_all;
  } else {
    query.match = absl::StrCat("'", prefix, "':*");
    query.lists = 1;
  }
  return query;
}

IndexQuery IndexQueries::AnyOf(std::vector<IndexQuery> queries) const {
  IndexQuery any;
  std::vector<std::string> matches;
  for (IndexQuery& query : queries) {
    if (!query.match.empty()) matches.push_back(std::move(query.match));
    any.sampled |= query.sampled;
    any.read += query.read;
    any.lists += query.lists;
    any.finds_all = any.finds_all && query.finds_all;
  }
  any.match = Join(matches, Or(dialect_));
  any.rows = RowsOf(any.sampled);
  return any;
}

IndexQuery IndexQueries::AllOf(std::vector<IndexQuery> queries) const {
  absl::c_sort(queries, [](const IndexQuery& a, const IndexQuery& b) {
    return std::tuple(b.finds_all, a.rows, a.read) <
           std::tuple(a.finds_all, b.rows, b.read);
  });
  IndexQuery all = std::move(queries[0]);
  std::vector<std::string> matches = {std::move(all.match)};
  for (size_t i = 1; i < queries.size() && queries[i].finds_all; ++i) {
    IndexQuery& query = queries[i];
    query.sampled &= all.sampled;
    const double rows = RowsOf(query.sampled);
    if (!IsWorth(all.rows, rows, query)) continue;
    all.sampled = std::move(query.sampled);
    all.rows = rows;
    all.read += query.read;
    all.lists += query.lists;
    matches.push_back(std::move(query.match));
  }
  all.match =
      absl::c_linear_search(matches, "") ? "" : Join(matches, And(dialect_));
  return all;
}

bool IndexQueries::IsWorth(double before, double after,
                           const IndexQuery& query) const {
  const Costs& costs = dialect_ == Dialect::kSqlite ? kSqlite : kPostgresql;
  // Of what is rarer than the sample knows, there is something perhaps, and
  // less of it afterwards.
  before += sample_.weight() / 2;
  after += sample_.weight() / 4;
  const auto lists = static_cast<double>(query.lists);
  return (before - after) * costs.row >
         std::min(query.read, before * costs.look_up * lists) +
             costs.list * lists;
}

double IndexQueries::RowsOf(const SampleRows& sampled) const {
  return static_cast<double>(sampled.size()) * sample_.weight();
}

}  // namespace lamplighter::reposync
