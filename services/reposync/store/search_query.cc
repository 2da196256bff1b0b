#include "services/reposync/store/search_query.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "services/reposync/store/each_once.h"

namespace lamplighter::reposync {
namespace {

// What things cost, as many times as going on by one row in a list does. Rows
// are of the sample, of which one stands for many. PostgreSQL looks rows up in
// long lists without reading what is between; it sees to each list for each
// row.
struct Costs {
  double row;      // to read it and look at it
  double look_up;  // to look for it in a list
  double list;     // to begin with a list
};
constexpr Costs kSqlite = {60, 60, 2};
constexpr Costs kPostgresql = {100, 2, 20};

// True if it is worth while to ask `query`, too, which leaves `rows` of the
// sample in place of `before`. Half a row more is left out, perhaps, as the
// sample does not know what is rare.
bool IsWorth(Dialect dialect, size_t before, size_t rows,
             const IndexQuery& query) {
  const Costs& costs = dialect == Dialect::kSqlite ? kSqlite : kPostgresql;
  const double lists = query.lists;
  const double looking = (before + 0.5) * costs.look_up * lists;
  return (before - rows + 0.5) * costs.row >
         std::min<double>(query.read, looking) + costs.list * lists;
}

SampleRows Both(const SampleRows& rows, const SampleRows& others) {
  SampleRows both;
  std::set_intersection(rows.begin(), rows.end(), others.begin(), others.end(),
                        std::back_inserter(both));
  return both;
}

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

IndexQuery InLists(Dialect dialect, const SearchSample& sample,
                   const std::vector<std::string>& lists) {
  const char* const quote = dialect == Dialect::kSqlite ? "\"" : "'";
  IndexQuery query;
  std::vector<std::string> matches;
  for (const std::string& list : lists) {
    matches.push_back(absl::StrCat(quote, list, quote));
    const auto rows = sample.Find(list);
    query.sampled.insert(query.sampled.end(), rows.begin(), rows.end());
  }
  query.match = Join(matches, Or(dialect));
  query.lists = lists.size();
  query.read = query.sampled.size();
  SortEachOnce(query.sampled);
  return query;
}

IndexQuery AnyOf(Dialect dialect, std::vector<IndexQuery> queries) {
  IndexQuery any;
  std::vector<std::string> matches;
  for (IndexQuery& query : queries) {
    if (!query.match.empty()) matches.push_back(std::move(query.match));
    any.sampled.insert(any.sampled.end(), query.sampled.begin(),
                       query.sampled.end());
    any.lists += query.lists;
    any.read += query.read;
    any.finds_all = any.finds_all && query.finds_all;
  }
  any.match = Join(matches, Or(dialect));
  SortEachOnce(any.sampled);
  return any;
}

IndexQuery AllOf(Dialect dialect, std::vector<IndexQuery> queries) {
  std::sort(queries.begin(), queries.end(),
            [](const IndexQuery& a, const IndexQuery& b) {
              return std::tuple(b.finds_all, a.sampled.size(), a.read) <
                     std::tuple(a.finds_all, b.sampled.size(), b.read);
            });
  IndexQuery all = std::move(queries[0]);
  std::vector<std::string> matches = {std::move(all.match)};
  for (size_t i = 1; i < queries.size() && queries[i].finds_all; ++i) {
    IndexQuery& query = queries[i];
    SampleRows both = Both(all.sampled, query.sampled);
    if (!IsWorth(dialect, all.sampled.size(), both.size(), query)) continue;
    all.sampled = std::move(both);
    all.lists += query.lists;
    all.read += query.read;
    matches.push_back(std::move(query.match));
  }
  const bool none =
      std::any_of(matches.begin(), matches.end(),
                  [](const std::string& match) { return match.empty(); });
  all.match = none ? "" : Join(matches, And(dialect));
  return all;
}

}  // namespace lamplighter::reposync
