#include "services/reposync/store/search_index.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/reposync/store/each_once.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/text.h"

namespace lamplighter::reposync {
namespace {

constexpr size_t kMaxLength = 0x3fff;
// Of longer names, the first characters are their list: PostgreSQL has none of
// more than 2,046 bytes.
constexpr size_t kMaxNameCharacters = 200;
constexpr int kMergedPages = 500;  // of 4 KB, at once
// Of path, in characters: where shelves begin, but for the first. Rows that are
// written stay on theirs.
constexpr std::array<int, kShelves - 1> kShelfBegins = {16, 24, 32, 40, 56};

struct Row {
  int64_t rank;
  std::vector<std::string> lists;
};

Row RowOf(int64_t id, const v1::CatalogRepository& repository) {
  return {SearchRank(id, repository), ListsOf(SearchTextOf(repository))};
}

// In order: FTS5 writes out what it has gathered whenever a key is lower than
// the one before.
std::vector<Row> RowsOf(const std::vector<Searched>& all) {
  std::vector<Row> rows;
  rows.reserve(all.size());
  for (const Searched& searched : all) {
    rows.push_back(RowOf(searched.id, *searched.repository));
  }
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return a.rank < b.rank; });
  return rows;
}

// Of FTS5's table. `command` is one of its own, or null to add.
void WriteRows(Transaction& transaction, const std::vector<Row>& rows,
               const char* command) {
  RowBatch batch;
  if (command != nullptr) {
    batch.Text("repository_words").assign(rows.size(), command);
  }
  RowBatch::Numbers& ranks = batch.Number("rowid");
  RowBatch::Texts& lists = batch.Text("lists");
  for (const Row& row : rows) {
    ranks.push_back(row.rank);
    lists.push_back(absl::StrJoin(row.lists, " "));
  }
  batch.Insert(transaction, "repository_words");
}

int ShelfOf(int64_t rank) {
  const auto length = static_cast<int>(rank >> kSearchIdBits);
  return 1 + static_cast<int>(absl::c_upper_bound(kShelfBegins, length) -
                              kShelfBegins.begin());
}

void AddWordsOf(Transaction& transaction, const std::vector<Row>& rows) {
  std::vector<std::string> words;
  for (const Row& row : rows) {
    for (const std::string& list : row.lists) {
      const auto kind = static_cast<ListKind>(list[0]);
      if (kind == ListKind::kPathWord || kind == ListKind::kDescriptionWord) {
        words.push_back(list.substr(1));
      }
    }
  }
  AddWords(transaction, std::move(words));
}

void AddLists(ListKind kind, const std::vector<Word>& words,
              std::vector<std::string>& lists) {
  for (const Word& word : words) {
    for (const std::string& part : word.parts) {
      lists.push_back(ListOf(kind, part));
    }
  }
}

void AddNameLists(const std::string& name, std::vector<std::string>& lists) {
  lists.push_back(NameListOf(name));
  std::vector<Word> words = WordsOf(name);
  if (words.empty()) return;
  const bool is_sign_first = !IsOfWord(name[0]);
  if (is_sign_first) lists.push_back(ListOf(ListKind::kNameSign, ""));
  const std::string& first = words[0].parts[0];
  lists.push_back(ListOf(ListKind::kNameFirst, first));
  if (!is_sign_first && first.size() < name.size()) {
    lists.push_back(ListOf(ListKind::kNameHead, first));
  }
  AddLists(ListKind::kNameWord, words, lists);
  if (!is_sign_first) words.erase(words.begin());
  AddLists(ListKind::kNameLater, words, lists);
}

void AddPairLists(ListKind kind, const std::vector<Word>& words,
                  std::vector<std::string>& lists) {
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i].seam == Seam::kNone) continue;
    lists.push_back(ListOf(kind, words[i - 1].parts.back(), words[i].seam,
                           words[i].parts.front()));
  }
}

// 0 where it is of whole words.
size_t CharactersOfSeam(ListKind kind) {
  switch (kind) {
    case ListKind::kPathSeam:
    case ListKind::kDescriptionSeam:
      return 1;
    case ListKind::kPathSeamOfTwo:
    case ListKind::kDescriptionSeamOfTwo:
      return 2;
    default:
      return 0;
  }
}

}  // namespace

std::string ListOf(ListKind kind, absl::string_view word) {
  return absl::StrCat(std::string(1, static_cast<char>(kind)), word);
}

std::string ListOf(ListKind kind, absl::string_view word, Seam seam,
                   absl::string_view next) {
  if (const size_t count = CharactersOfSeam(kind); count > 0) {
    word = LastCharacters(word, count);
    next = FirstCharacters(next, count);
  }
  return absl::StrCat(ListOf(kind, word),
                      std::string(1, static_cast<char>(seam)), next);
}

std::string NameListOf(absl::string_view name) {
  std::string list =
      ListOf(ListKind::kName, FirstCharacters(name, kMaxNameCharacters));
  std::replace_if(
      list.begin(), list.end(), [](char c) { return !IsOfWord(c); }, '+');
  return list;
}

std::vector<std::string> ListsOf(const SearchText& text) {
  const std::vector<Word> in_path = WordsOf(text.path);
  const std::vector<Word> in_description = WordsOf(text.description);
  std::vector<std::string> lists;
  AddNameLists(text.name, lists);
  AddLists(ListKind::kPathWord, in_path, lists);
  AddLists(ListKind::kDescriptionWord, in_description, lists);
  for (const ListKind kind :
       {ListKind::kPathPair, ListKind::kPathSeam, ListKind::kPathSeamOfTwo}) {
    AddPairLists(kind, in_path, lists);
  }
  for (const ListKind kind :
       {ListKind::kDescriptionPair, ListKind::kDescriptionSeam,
        ListKind::kDescriptionSeamOfTwo}) {
    AddPairLists(kind, in_description, lists);
  }
  SortEachOnce(lists);
  return lists;
}

int64_t SearchRank(int64_t id, const v1::CatalogRepository& repository) {
  const size_t length =
      std::min(CountCharacters(repository.path()), kMaxLength);
  return static_cast<int64_t>(length) << kSearchIdBits | id;
}

bool SearchDiffers(const v1::CatalogRepository& a,
                   const v1::CatalogRepository& b) {
  return a.name() != b.name() || a.path() != b.path() ||
         a.description() != b.description();
}

void AddSearchColumns(Transaction& transaction,
                      const std::vector<const v1::CatalogEntry*>& entries,
                      RowBatch& repositories) {
  if (transaction.dialect == Dialect::kSqlite) return;
  std::vector<Row> rows;
  rows.reserve(entries.size());
  for (const v1::CatalogEntry* entry : entries) {
    rows.push_back(RowOf(entry->id(), entry->repository()));
  }
  AddWordsOf(transaction, rows);
  RowBatch::Numbers& shelves = repositories.Number("search_shelf");
  RowBatch::Numbers& ranks = repositories.Number("search_rank");
  RowBatch::Texts& lists = repositories.Text("search_lists");
  for (const Row& row : rows) {
    shelves.push_back(ShelfOf(row.rank));
    ranks.push_back(row.rank);
    lists.push_back(absl::StrJoin(row.lists, " "));
  }
}

void UpdateSearchIndex(Transaction& transaction,
                       const std::vector<Searched>& removed,
                       const std::vector<Searched>& added) {
  if (transaction.dialect == Dialect::kPostgresql) return;
  if (!removed.empty()) WriteRows(transaction, RowsOf(removed), "delete");
  if (added.empty()) return;
  const std::vector<Row> rows = RowsOf(added);
  AddWordsOf(transaction, rows);
  WriteRows(transaction, rows, nullptr);
}

bool MergeSearchIndex(Transaction& transaction, bool is_first) {
  if (transaction.dialect == Dialect::kPostgresql) {
    // What is pending, to be written together, every search reads from one end
    // to the other.
    int64_t pages = 0;
    Execute(transaction,
            "SELECT CAST(SUM(gin_clean_pending_list(indexrelid)) AS BIGINT) "
            "FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN "
            "pg_am ON pg_am.oid = relam WHERE amname = 'gin' AND indrelid = "
            "CAST('repositories' AS REGCLASS)",
            soci::into(pages));
    return false;
  }
  const auto changes = [&transaction] {
    int64_t changes = 0;
    Execute(transaction, "SELECT total_changes()", soci::into(changes));
    return changes;
  };
  // Below zero: of all there is, and not only of parts that are of one size.
  const int pages = is_first ? -kMergedPages : kMergedPages;
  bool is_left = false;
  for (const char* index : {"repository_words", "search_trigrams"}) {
    const int64_t before = changes();
    Execute(transaction,
            absl::StrCat("INSERT INTO ", index, "(", index,
                         ", rank) VALUES ('merge', :pages)"),
            soci::use(pages, "pages"));
    if (changes() - before >= 2) is_left = true;  // as FTS5 documents it
  }
  return is_left;
}

}  // namespace lamplighter::reposync
