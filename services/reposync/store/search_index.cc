#include "services/reposync/store/search_index.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/search_text.h"
#include "services/reposync/store/text.h"

namespace lamplighter::reposync {
namespace {

constexpr size_t kMaxLength = 0x3fff;
constexpr int kMergedPages = 500;  // of 4 KB, at once

// U+0080 to U+07FF: characters of two bytes. Paths are in letters as they are.
constexpr uint32_t kNameLetters = 0x80;
constexpr uint32_t kDescriptionLetters = kNameLetters + kAlphabetSize;

struct Row {
  int64_t rank;
  SearchText text;
};

// In order: FTS5 writes out what it has gathered whenever a key is lower than
// the one before.
std::vector<Row> RowsOf(const std::vector<Searched>& all) {
  std::vector<Row> rows;
  rows.reserve(all.size());
  for (const Searched& searched : all) {
    rows.push_back({SearchRank(searched.id, searched.repository),
                    SearchTextOf(searched.repository)});
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return a.rank < b.rank; });
  return rows;
}

// SQLite: `command` is one of FTS5's, or null to add.
void WriteTrigrams(Transaction& transaction, const std::vector<Row>& rows,
                   const char* command) {
  RowBatch batch;
  if (command != nullptr) {
    batch.Text("repository_trigrams").assign(rows.size(), command);
  }
  RowBatch::Numbers& ranks = batch.Number("rowid");
  RowBatch::Texts& names = batch.Text("name");
  RowBatch::Texts& paths = batch.Text("path");
  RowBatch::Texts& descriptions = batch.Text("description");
  for (const Row& row : rows) {
    ranks.push_back(row.rank);
    names.push_back(IndexedName(WholeName(row.text.name)));
    paths.push_back(row.text.path);
    descriptions.push_back(IndexedDescription(row.text.description));
  }
  batch.Insert(transaction, "repository_trigrams");
}

void WriteTexts(Transaction& transaction, std::vector<Row> rows) {
  const bool sqlite = transaction.dialect == Dialect::kSqlite;
  RowBatch batch;
  RowBatch::Numbers& ranks = batch.Number("rank");
  RowBatch::Texts& names = batch.Text("name");
  RowBatch::Texts& paths = batch.Text("path");
  RowBatch::Texts& descriptions =
      batch.Text(sqlite ? "description" : "path_and_description");
  for (Row& row : rows) {
    ranks.push_back(row.rank);
    descriptions.push_back(
        sqlite ? std::move(row.text.description)
               : absl::StrCat(row.text.path, "\n", row.text.description));
    names.push_back(std::move(row.text.name));
    paths.push_back(std::move(row.text.path));
  }
  batch.Insert(transaction, "repository_search");
}

}  // namespace

std::string WholeName(absl::string_view name) {
  return absl::StrCat(std::string(1, kNameBegins), name,
                      std::string(1, kNameEnds));
}

std::string IndexedName(absl::string_view part) {
  return InAlphabet(part, kNameLetters);
}

std::string IndexedDescription(absl::string_view part) {
  return InAlphabet(part, kDescriptionLetters);
}

int64_t SearchRank(int64_t id, const v1::CatalogRepository& repository) {
  const size_t length =
      std::min(CountCharacters(repository.path()), kMaxLength);
  return static_cast<int64_t>(length) << 40 | id;
}

bool SearchDiffers(const v1::CatalogRepository& a,
                   const v1::CatalogRepository& b) {
  return a.name() != b.name() || a.path() != b.path() ||
         a.description() != b.description();
}

void UpdateSearchIndex(Transaction& transaction, std::vector<Searched> removed,
                       std::vector<Searched> added) {
  const bool sqlite = transaction.dialect == Dialect::kSqlite;
  if (!removed.empty()) {
    const std::vector<Row> rows = RowsOf(removed);
    if (sqlite) WriteTrigrams(transaction, rows, "delete");
    std::vector<int64_t> ranks;
    for (const Row& row : rows) ranks.push_back(row.rank);
    const std::string array = ArrayOf(transaction.dialect, ranks);
    Execute(transaction,
            "DELETE FROM repository_search WHERE rank " +
                InNumbers(transaction.dialect, "ranks"),
            soci::use(array, "ranks"));
  }
  std::vector<Row> rows = RowsOf(added);
  if (sqlite) WriteTrigrams(transaction, rows, nullptr);
  WriteTexts(transaction, std::move(rows));
}

bool MergeSearchIndex(Transaction& transaction, bool is_first) {
  if (transaction.dialect == Dialect::kPostgresql) {
    // What is pending, to be written together, every search reads from one end
    // to the other.
    int64_t pages = 0;
    Execute(transaction,
            "SELECT gin_clean_pending_list('repository_search_by_text')",
            soci::into(pages));
    return false;
  }
  const auto changes = [&transaction] {
    int64_t changes = 0;
    Execute(transaction, "SELECT total_changes()", soci::into(changes));
    return changes;
  };
  const int64_t before = changes();
  // Below zero: of all there is, and not only of parts that are of one size.
  const int pages = is_first ? -kMergedPages : kMergedPages;
  Execute(transaction,
          "INSERT INTO repository_trigrams(repository_trigrams, rank)"
          " VALUES ('merge', :pages)",
          soci::use(pages, "pages"));
  return changes() - before >= 2;  // as FTS5's documentation has it
}

}  // namespace lamplighter::reposync
