#include "services/reposync/store/search_reader.h"

#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "services/reposync/store/entry_rows.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/statements.h"

namespace lamplighter::reposync {
namespace {

// Of what a query finds, the filter is asked of so many.
constexpr size_t kMost = 2000;
constexpr size_t kLeastOfShelf = 200;

// What follows FROM to have the ranks that :match finds, after :after, in
// order.
std::string FoundInOrder(Dialect dialect) {
  if (dialect == Dialect::kSqlite) {
    return absl::StrCat(
        "(SELECT rowid AS rank FROM repository_words WHERE repository_words "
        "MATCH :match AND rowid > :after ORDER BY rowid LIMIT ",
        kMost, ") AS found");
  }
  // Shelf after shelf, until there are enough. An index in order of the rank
  // would be read to its end.
  std::string shelves;
  for (int shelf = 1; shelf <= kShelves; ++shelf) {
    absl::StrAppend(
        &shelves, shelf == 1 ? "" : " UNION ALL ",
        "(SELECT rank FROM (SELECT rank FROM repository_words_", shelf,
        " WHERE array_to_tsvector(string_to_array(lists, ' ')) @@ asked.match "
        "AND rank + 0 > asked.after LIMIT asked.most) AS of_shelf ORDER BY "
        "rank)");
  }
  return absl::StrCat(
      "(SELECT rank FROM (SELECT CAST(:match AS TSQUERY) AS match, "
      "CAST(:after AS BIGINT) AS after, GREATEST(:most, ",
      kLeastOfShelf, ") AS most) AS asked CROSS JOIN LATERAL (", shelves,
      ") AS shelves LIMIT ", kMost, ") AS found");
}

// The same of the first :most repositories of these that the filter lets
// through. Each is looked up by itself, until there are enough.
std::string FromOf(Dialect dialect, const FilterSql& filter) {
  const std::string id = absl::StrCat("(found.rank & ", kSearchIdMask, ")");
  return absl::StrCat(
      FoundInOrder(dialect), " CROSS JOIN ",
      dialect == Dialect::kSqlite
          ? absl::StrCat("repositories NOT INDEXED WHERE repositories.id = ",
                         id)
          : absl::StrCat("LATERAL (SELECT * FROM repositories WHERE id = ", id,
                         " OFFSET 0) AS repositories WHERE true"),
      filter.conditions(), " LIMIT :most");
}

}  // namespace

SearchReader::SearchReader(Transaction& transaction,
                           const v1::RepositoryFilter& filter)
    : transaction_(transaction),
      filter_(transaction, filter),
      from_(FromOf(transaction.dialect, filter_)) {
  // A search reads here and there; pages that the system has in memory are
  // looked at in place. They count as resident, and can be had back.
  if (transaction.dialect == Dialect::kSqlite) {
    transaction.sql << "PRAGMA mmap_size = 1073741824";
  }
}

std::vector<Candidate> SearchReader::Find(const IndexQuery& query,
                                          int64_t after, size_t most) {
  if (query.match.empty()) return {};
  Bindings bindings = filter_.bindings();
  bindings.Text("match", query.match);
  bindings.Number("after", after).Number("most", most);
  std::vector<Candidate> candidates;
  for (v1::CatalogEntry& entry : LoadEntries(transaction_, from_, bindings)) {
    candidates.push_back({SearchRank(entry.id(), entry.repository()),
                          SearchTextOf(entry.repository()), std::move(entry)});
  }
  // It is so already, though SQL does not say that.
  absl::c_sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.rank < b.rank;
  });
  return candidates;
}

}  // namespace lamplighter::reposync
