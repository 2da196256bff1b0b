#include "services/reposync/store/search_reader.h"

#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/statements.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using Kind = SearchAtom::Kind;

constexpr int kLookedAt = 1500;
constexpr int kLeastSorted = 200;  // of a shelf

bool IsOfName(const SearchAtom& atom) {
  return atom.kind != Kind::kPathHas && atom.kind != Kind::kAnyHas;
}

// For LIKE, which knows no case in English, and nothing of other languages.
std::string PatternOf(const SearchAtom& atom) {
  std::string pattern;
  for (const char c : atom.word) {
    if (c == '%' || c == '\\') {
      pattern.push_back('_');
    } else if (absl::ascii_isascii(c)) {
      pattern.push_back(c);
    } else if ((c & 0xc0) != 0x80) {  // a character begins
      pattern.push_back('_');
    }
  }
  return absl::StrCat(
      atom.kind == Kind::kNameIs || atom.kind == Kind::kNameBegins ? "" : "%",
      pattern, atom.kind == Kind::kNameIs ? "" : "%");
}

// What rows are to match, as " AND ...", and the values of that.
std::string ConditionsOf(const SearchClauses& clauses, Bindings& bindings) {
  std::string conditions;
  int patterns = 0;
  for (const SearchClause& clause : clauses) {
    std::vector<std::string> any;
    for (const SearchAtom& atom : clause) {
      const std::string pattern = absl::StrCat("pattern", patterns++);
      bindings.Text(pattern, PatternOf(atom));
      any.push_back(
          absl::StrCat(IsOfName(atom) ? "name" : "path", " LIKE :", pattern));
      if (atom.kind == Kind::kAnyHas) {
        any.push_back(absl::StrCat("description LIKE :", pattern));
      }
    }
    absl::StrAppend(&conditions, " AND (", absl::StrJoin(any, " OR "), ")");
  }
  return conditions;
}

// The tables under FTS5 have a column "rank" of their own.
std::string SqlInOrder(const std::string& conditions) {
  return absl::StrCat(
      "SELECT found, name, path, description FROM (SELECT rowid AS found FROM "
      "repository_words WHERE repository_words MATCH :match ORDER BY rowid "
      "LIMIT :looked_at) CROSS JOIN repositories NOT INDEXED WHERE "
      "repositories.id = (found & ",
      kSearchIdMask, ")", conditions, " LIMIT :most");
}

// What is asked for on PostgreSQL, column by column. The text of the statement
// is the same for all: to plan one takes longer than to run it.
struct AskedColumns {
  std::vector<std::string> matches, of_name, of_path, of_any;

  void Add(const std::string& match, const SearchClauses& clauses) {
    std::vector<std::string> name, path, any;
    for (const SearchClause& clause : clauses) {
      for (const SearchAtom& atom : clause) {
        auto& patterns = IsOfName(atom)                ? name
                         : atom.kind == Kind::kPathHas ? path
                                                       : any;
        patterns.push_back(PatternOf(atom));
      }
    }
    if (name.empty()) name = {"%"};
    matches.push_back(match);
    of_name.push_back(ArrayOf(Dialect::kPostgresql, name));
    of_path.push_back(ArrayOf(Dialect::kPostgresql, path));
    of_any.push_back(ArrayOf(Dialect::kPostgresql, any));
  }
};

// Shelf after shelf, until there are enough. An index in order of the rank
// would be read to its end.
std::string SqlOnShelves(const std::string& filter) {
  constexpr char kColumns[] = "search_rank, name, path, description";
  std::string shelves;
  for (int shelf = 1; shelf <= kShelves; ++shelf) {
    absl::StrAppend(
        &shelves, shelf == 1 ? "" : " UNION ALL ", "(SELECT ", kColumns,
        " FROM (SELECT ", kColumns,
        " FROM (SELECT * FROM repositories WHERE search_shelf = ", shelf,
        " AND array_to_tsvector(string_to_array(search_lists, ' ')) @@ "
        "asked.match LIMIT :looked_at) AS repositories WHERE name ILIKE ANY "
        "(asked.of_name) AND path ILIKE ALL (asked.of_path) AND (path || "
        "chr(1) || description) ILIKE ALL (asked.of_any)",
        filter, " LIMIT GREATEST(:most, ", kLeastSorted,
        ")) AS of_shelf ORDER BY search_rank LIMIT :most)");
  }
  // OFFSET 0: nothing is cast once a row.
  return absl::StrCat(
      "SELECT asked.number - 1, ", kColumns,
      " FROM (SELECT number, CAST(match AS TSQUERY) AS match, CAST(of_name AS "
      "TEXT[]) AS of_name, CAST(of_path AS TEXT[]) AS of_path, CAST(of_any AS "
      "TEXT[]) AS of_any FROM unnest(CAST(:matches AS TEXT[]), CAST(:of_name "
      "AS TEXT[]), CAST(:of_path AS TEXT[]), CAST(:of_any AS TEXT[])) WITH "
      "ORDINALITY AS told(match, of_name, of_path, of_any, number) OFFSET 0) "
      "AS asked CROSS JOIN LATERAL (",
      shelves, " LIMIT :most) AS found");
}

}  // namespace

SearchReader::SearchReader(Transaction& transaction,
                           const v1::RepositoryFilter& filter)
    : transaction_(transaction),
      filter_(transaction, filter),
      looked_at_(filter_.is_narrow() ? 10 * kLookedAt : kLookedAt) {
  // A search reads here and there; pages that the system has in memory are
  // looked at in place. They count as resident, and can be had back.
  if (transaction.dialect == Dialect::kSqlite) {
    transaction.sql << "PRAGMA mmap_size = 1073741824";
  }
}

std::vector<std::vector<Candidate>> SearchReader::Find(
    const std::vector<Asked>& all, size_t most) {
  std::vector<std::vector<Candidate>> found =
      transaction_.dialect == Dialect::kSqlite ? FindInOrder(all, most)
                                               : FindOnShelves(all, most);
  // They are in order already, though SQL does not say that.
  for (std::vector<Candidate>& candidates : found) {
    absl::c_sort(candidates, [](const Candidate& a, const Candidate& b) {
      return a.rank < b.rank;
    });
  }
  return found;
}

std::vector<std::vector<Candidate>> SearchReader::FindInOrder(
    const std::vector<Asked>& all, size_t most) {
  std::vector<std::vector<Candidate>> found(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].query.match.empty()) continue;
    Bindings bindings = filter_.bindings();
    bindings.Text("match", all[i].query.match);
    bindings.Number("most", most).Number("looked_at", looked_at_);
    const std::string conditions = absl::StrCat(
        filter_.conditions(), ConditionsOf(all[i].clauses, bindings));
    v1::CatalogRepository row;
    int64_t rank = 0;
    ForEachRow(
        transaction_, SqlInOrder(conditions),
        [&] { found[i].push_back({rank, SearchTextOf(row)}); },
        soci::into(rank), soci::into(*row.mutable_name()),
        soci::into(*row.mutable_path()), soci::into(*row.mutable_description()),
        bindings);
  }
  return found;
}

std::vector<std::vector<Candidate>> SearchReader::FindOnShelves(
    const std::vector<Asked>& all, size_t most) {
  std::vector<std::vector<Candidate>> found(all.size());
  AskedColumns columns;
  std::vector<size_t> places;  // of these
  for (size_t i = 0; i < all.size(); ++i) {
    if (all[i].query.match.empty()) continue;
    columns.Add(all[i].query.match, all[i].clauses);
    places.push_back(i);
  }
  if (places.empty()) return found;
  Bindings bindings = filter_.bindings();
  const Dialect dialect = transaction_.dialect;
  bindings.Text("matches", ArrayOf(dialect, columns.matches))
      .Text("of_name", ArrayOf(dialect, columns.of_name))
      .Text("of_path", ArrayOf(dialect, columns.of_path))
      .Text("of_any", ArrayOf(dialect, columns.of_any))
      .Number("most", most)
      .Number("looked_at", looked_at_ / kShelves);
  v1::CatalogRepository row;
  int64_t number = 0, rank = 0;
  ForEachRow(
      transaction_, SqlOnShelves(filter_.conditions()),
      [&] { found[places[number]].push_back({rank, SearchTextOf(row)}); },
      soci::into(number), soci::into(rank), soci::into(*row.mutable_name()),
      soci::into(*row.mutable_path()), soci::into(*row.mutable_description()),
      bindings);
  return found;
}

}  // namespace lamplighter::reposync
