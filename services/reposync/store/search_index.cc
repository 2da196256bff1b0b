#include "services/reposync/store/search_index.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/text.h"

namespace lamplighter::reposync {
namespace {

constexpr size_t kMaxLength = 0x3fff;

struct Row {
  int64_t rank;
  std::string name, path, description;
};

// In order: FTS5 writes out what it has gathered whenever a key is lower than
// the one before.
std::vector<Row> RowsOf(Dialect dialect, const std::vector<Searched>& all) {
  std::vector<Row> rows;
  rows.reserve(all.size());
  for (const Searched& searched : all) {
    std::string name = Fold(searched.repository.name());
    if (dialect == Dialect::kSqlite) {
      name = absl::StrCat(std::string(1, kNameBegins), name,
                          std::string(1, kNameEnds));
    }
    rows.push_back({SearchRank(searched.id, searched.repository),
                    std::move(name), Fold(searched.repository.path()),
                    Fold(searched.repository.description())});
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return a.rank < b.rank; });
  return rows;
}

void Insert(Transaction& transaction, std::vector<Row> rows,
            const char* command) {
  RowBatch batch;
  const bool sqlite = transaction.dialect == Dialect::kSqlite;
  if (command != nullptr) {
    batch.Text("repository_search").assign(rows.size(), command);
  }
  RowBatch::Numbers& ranks = batch.Number(sqlite ? "rowid" : "rank");
  RowBatch::Texts& names = batch.Text("name");
  RowBatch::Texts& paths = batch.Text("path");
  RowBatch::Texts& descriptions = batch.Text("description");
  for (Row& row : rows) {
    ranks.push_back(row.rank);
    names.push_back(std::move(row.name));
    paths.push_back(std::move(row.path));
    descriptions.push_back(std::move(row.description));
  }
  batch.Insert(transaction, "repository_search");
}

}  // namespace

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
  if (!removed.empty()) {
    if (transaction.dialect == Dialect::kSqlite) {
      Insert(transaction, RowsOf(transaction.dialect, removed), "delete");
    } else {
      std::vector<int64_t> ranks;
      for (const Searched& searched : removed) {
        ranks.push_back(SearchRank(searched.id, searched.repository));
      }
      const std::string array = ArrayOf(transaction.dialect, ranks);
      Execute(transaction,
              "DELETE FROM repository_search WHERE rank " +
                  InNumbers(transaction.dialect, "ranks"),
              soci::use(array, "ranks"));
    }
  }
  Insert(transaction, RowsOf(transaction.dialect, added), nullptr);
}

}  // namespace lamplighter::reposync
