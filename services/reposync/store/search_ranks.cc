#include "services/reposync/store/search_ranks.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "services/reposync/store/entry_rows.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/search_trigrams.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"

namespace lamplighter::reposync {
namespace {

using Kind = SearchAtom::Kind;

std::vector<int64_t> ReadRanks(Transaction& transaction, const std::string& sql,
                               const Bindings& bindings) {
  soci::statement& statement = transaction.prepared.Get(sql);
  std::vector<int64_t> ranks;
  int64_t rank = 0;
  statement.exchange(soci::into(rank));
  bindings.Exchange(statement);
  statement.define_and_bind();
  statement.execute();
  while (statement.fetch()) ranks.push_back(rank);
  statement.bind_clean_up();
  return ranks;
}

// --- SQLite: a query of FTS5, which reads the lists of its trigrams side by
// side.

// So many rows are looked at for what they find, at most.
constexpr int64_t kMostCandidates = 100'000;

// A part of the query, the rows of the sample that it finds, and the entries
// that it reads.
struct Part {
  std::string query;
  SampleRows rows;
  size_t read = 0;
};

// None of a short text.
absl::optional<Part> TrigramsOf(const std::string& text,
                                const SearchSample& sample) {
  std::vector<Trigram> trigrams;
  for (std::string& trigram : PartsOf(text, kIndexedCharacters, 1)) {
    SampleRows rows = RowsOf(trigram, sample);
    trigrams.push_back({std::move(trigram), std::move(rows)});
  }
  if (trigrams.empty()) return absl::nullopt;
  ChosenTrigrams chosen = ChooseTrigrams(std::move(trigrams));
  return Part{
      absl::StrJoin(chosen.trigrams, " AND ",
                    [](std::string* query, const std::string& trigram) {
                      absl::StrAppend(
                          query, "\"",
                          absl::StrReplaceAll(trigram, {{"\"", "\"\""}}), "\"");
                    }),
      std::move(chosen.rows), chosen.read};
}

void AddAlternative(const absl::optional<Part>& other, Part& part) {
  part.rows = Either(part.rows, other->rows);
  part.read += other->read;
  absl::StrAppend(&part.query, part.query.empty() ? "(" : " OR (", other->query,
                  ")");
}

absl::optional<Part> PartOf(const SearchAtom& atom,
                            const SearchSample& sample) {
  switch (atom.kind) {
    case Kind::kNameIs:
      return TrigramsOf(IndexedName(WholeName(atom.word)), sample);
    case Kind::kNameBegins:
      return TrigramsOf(IndexedName(std::string(1, kNameBegins) + atom.word),
                        sample);
    case Kind::kNameHas:
      return TrigramsOf(IndexedName(atom.word), sample);
    case Kind::kPathHas:
      return TrigramsOf(atom.word, sample);
    case Kind::kAnyHas:
      break;
  }
  const absl::optional<Part> in_path = TrigramsOf(atom.word, sample);
  if (!in_path.has_value()) return absl::nullopt;
  Part part;
  AddAlternative(in_path, part);
  AddAlternative(TrigramsOf(IndexedDescription(atom.word), sample), part);
  return part;
}

// None where a row may match that has no trigram in particular.
absl::optional<Part> PartOf(const SearchClause& clause,
                            const SearchSample& sample) {
  Part part;
  for (const SearchAtom& atom : clause) {
    const absl::optional<Part> alternative = PartOf(atom, sample);
    if (!alternative.has_value()) return absl::nullopt;
    AddAlternative(alternative, part);
  }
  return part;
}

// Of the clauses, as many as are worth while; none where the index has none.
absl::optional<Part> PartOf(const SearchClauses& clauses,
                            const SearchSample& sample) {
  std::vector<Part> parts;
  for (const SearchClause& clause : clauses) {
    if (auto part = PartOf(clause, sample)) parts.push_back(*std::move(part));
  }
  if (parts.empty()) return absl::nullopt;
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return a.rows.size() < b.rows.size();
  });
  Part all = std::move(parts[0]);
  all.query = absl::StrCat("(", all.query, ")");
  for (size_t i = 1; i < parts.size(); ++i) {
    SampleRows both = Both(all.rows, parts[i].rows);
    if (!IsWorth(all.rows.size(), both.size(), parts[i].read)) continue;
    absl::StrAppend(&all.query, " AND (", parts[i].query, ")");
    all.rows = std::move(both);
    all.read += parts[i].read;
  }
  return all;
}

std::string ConditionOf(Kind kind, const std::string& word) {
  switch (kind) {
    case Kind::kNameIs:
      return absl::StrCat("texts.name = ", word);
    case Kind::kNameBegins:
      return absl::StrCat("instr(texts.name, ", word, ") = 1");
    case Kind::kNameHas:
      return absl::StrCat("instr(texts.name, ", word, ") > 0");
    case Kind::kPathHas:
      return absl::StrCat("instr(texts.path, ", word, ") > 0");
    case Kind::kAnyHas:
      return absl::StrCat("(instr(texts.path, ", word,
                          ") > 0 OR instr(texts.description, ", word, ") > 0)");
  }
  return "";
}

// What the texts are to have.
std::string ConditionsOf(const SearchClauses& clauses, Bindings& bindings) {
  std::vector<std::string> all;
  int number = 0;
  for (const SearchClause& clause : clauses) {
    std::vector<std::string> alternatives;
    for (const SearchAtom& atom : clause) {
      const std::string name = absl::StrCat("word", ++number);
      bindings.Text(name, atom.word);
      alternatives.push_back(ConditionOf(atom.kind, ":" + name));
    }
    all.push_back(absl::StrCat("(", absl::StrJoin(alternatives, " OR "), ")"));
  }
  return absl::StrJoin(all, " AND ");
}

SearchRanks FindInFts5(Transaction& transaction, const SearchClauses& clauses,
                       const SearchSample& sample, int64_t after,
                       int64_t most) {
  absl::optional<Part> part = PartOf(clauses, sample);
  if (!part.has_value()) return {};
  Bindings bindings;
  bindings.Text("match", std::move(part->query))
      .Number("after", after)
      .Number("candidates", kMostCandidates)
      .Number("most", most);
  const std::string conditions = ConditionsOf(clauses, bindings);
  // CROSS JOIN keeps the order, and what is read to what is needed.
  return {
      true,
      ReadRanks(transaction,
                absl::StrCat("SELECT texts.rank FROM (SELECT rowid AS rank "
                             "FROM repository_trigrams WHERE "
                             "repository_trigrams MATCH :match AND rowid > "
                             ":after ORDER BY rowid LIMIT :candidates) AS "
                             "candidates CROSS JOIN repository_search AS texts "
                             "ON texts.rank = candidates.rank WHERE ",
                             conditions, " LIMIT :most"),
                bindings)};
}

// --- PostgreSQL: conditions on columns that have indexes.

// So far as a byte tells.
bool IsLetterOrDigit(char c) {
  return absl::ascii_isalnum(c) || !absl::ascii_isascii(c);
}

// pg_trgm has trigrams of letters and digits, and of where words begin and end.
bool HasTrigrams(absl::string_view word) {
  size_t run = 0;      // of letters and digits, up to here
  bool begun = false;  // after another character
  for (const char c : word) {
    if (IsLetterOrDigit(c)) {
      if (++run >= kIndexedCharacters || begun) return true;
    } else {
      if (run >= 2) return true;
      run = 0;
      begun = true;
    }
  }
  return false;
}

SearchRanks FindNames(Transaction& transaction, const SearchClause& names,
                      int64_t most) {
  SearchRanks found;
  found.indexed = true;
  for (const SearchAtom& name : names) {
    Bindings bindings;
    bindings.Text("first", name.word).Number("most", most);
    const char* condition = "name = :first";
    if (name.kind == Kind::kNameBegins) {
      condition = "name >= :first AND name < :last";
      bindings.Text("last", name.word + "\U0010FFFF");
    }
    for (const int64_t rank :
         ReadRanks(transaction,
                   absl::StrCat("SELECT rank FROM repository_search WHERE ",
                                condition, " ORDER BY name, rank LIMIT :most"),
                   bindings)) {
      found.ranks.push_back(rank);
    }
  }
  return found;
}

const char* ColumnOf(Kind kind) {
  switch (kind) {
    case Kind::kNameHas:
      return "name";
    case Kind::kPathHas:
      return "path";
    default:
      return "path_and_description";
  }
}

SampleRows RowsOf(Kind kind, const std::string& trigram,
                  const SearchSample& sample) {
  switch (kind) {
    case Kind::kNameHas:
      return RowsOf(IndexedName(trigram), sample);
    case Kind::kPathHas:
      return RowsOf(trigram, sample);
    default:
      return Either(RowsOf(trigram, sample),
                    RowsOf(IndexedDescription(trigram), sample));
  }
}

// What the index is asked for: a few trigrams, or the whole where pg_trgm has
// none of them or they find too much.
constexpr size_t kManyOfSample = 8;
std::vector<std::string> IndexedParts(const SearchAtom& atom,
                                      const SearchSample& sample) {
  std::vector<Trigram> trigrams;
  for (std::string& part : PartsOf(atom.word, kIndexedCharacters, 1)) {
    if (!std::all_of(part.begin(), part.end(), &IsLetterOrDigit)) continue;
    SampleRows rows = RowsOf(atom.kind, part, sample);
    trigrams.push_back({std::move(part), std::move(rows)});
  }
  if (trigrams.empty()) return {atom.word};
  ChosenTrigrams chosen = ChooseTrigrams(std::move(trigrams));
  // Then where words begin and end within it has to leave out the rest.
  if (chosen.rows.size() > kManyOfSample) return {atom.word};
  return std::move(chosen.trigrams);
}

// The conditions of a statement, with names of their own for its values.
class Conditions {
 public:
  explicit Conditions(const SearchSample& sample) : sample_(sample) {}

  void Add(const SearchClause& clause) {
    std::vector<std::string> alternatives;
    for (const SearchAtom& atom : clause) {
      const char* column = ColumnOf(atom.kind);
      // Which the index knows nothing of, so that it is left the rare ones.
      std::string all =
          absl::StrCat("position(", Bind(atom.word), " IN ", column, ") > 0");
      for (const std::string& part : IndexedParts(atom, sample_)) {
        const std::string pattern = absl::StrReplaceAll(
            part, {{"\\", "\\\\"}, {"%", "\\%"}, {"_", "\\_"}});
        absl::StrAppend(&all, " AND ", column, " LIKE ",
                        Bind(absl::StrCat("%", pattern, "%")));
      }
      alternatives.push_back(absl::StrCat("(", all, ")"));
    }
    clauses_.push_back(
        absl::StrCat("(", absl::StrJoin(alternatives, " OR "), ")"));
  }

  bool empty() const { return clauses_.empty(); }
  std::string Sql() const { return absl::StrJoin(clauses_, " AND "); }
  Bindings& bindings() { return bindings_; }

 private:
  std::string Bind(std::string value) {
    const std::string name = absl::StrCat("text", ++bound_);
    bindings_.Text(name, std::move(value));
    return ":" + name;
  }

  const SearchSample& sample_;
  std::vector<std::string> clauses_;
  Bindings bindings_;
  int bound_ = 0;
};

SearchRanks FindByColumns(Transaction& transaction,
                          const SearchClauses& clauses,
                          const SearchSample& sample, int64_t most) {
  const Kind first = clauses[0][0].kind;
  if (first == Kind::kNameIs || first == Kind::kNameBegins) {
    return FindNames(transaction, clauses[0], most);
  }
  Conditions conditions(sample);
  for (const SearchClause& clause : clauses) {
    if (std::all_of(clause.begin(), clause.end(), [](const SearchAtom& atom) {
          return HasTrigrams(atom.word);
        })) {
      conditions.Add(clause);
    }
  }
  if (conditions.empty()) return {};
  conditions.bindings().Number("most", most);
  // What is common is not asked for here (catalog_search.h): all else is found
  // sooner by the index, whatever the planner thinks of an unknown pattern.
  transaction.sql << "SET LOCAL enable_seqscan = off";
  return {true,
          ReadRanks(transaction,
                    absl::StrCat("SELECT rank FROM repository_search WHERE ",
                                 conditions.Sql(), " LIMIT :most"),
                    conditions.bindings())};
}

}  // namespace

SearchRanks FindRanks(Transaction& transaction, const SearchClauses& clauses,
                      const SearchSample& sample, int64_t after, int64_t most) {
  return transaction.dialect == Dialect::kSqlite
             ? FindInFts5(transaction, clauses, sample, after, most)
             : FindByColumns(transaction, clauses, sample, most);
}

size_t CountCandidates(const SearchClauses& clauses,
                       const SearchSample& sample) {
  const absl::optional<Part> part = PartOf(clauses, sample);
  return part.has_value() ? part->rows.size() : 0;
}

}  // namespace lamplighter::reposync
