#include "services/reposync/store/search_sample.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "services/reposync/store/each_once.h"
#include "services/reposync/store/entry_rows.h"
#include "services/reposync/store/row_batch.h"
#include "services/reposync/store/search_index.h"
#include "services/reposync/store/statements.h"
#include "services/reposync/store/text.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

// What 20 of them have, 1,200 of a million are expected to have.
constexpr int64_t kSampled = 16'384;

uint32_t HashOf(const std::string& list) {
  return static_cast<uint32_t>(absl::HashOf(list));
}

// Every one, where there are no more.
std::vector<int64_t> RandomIds(int64_t last) {
  std::vector<int64_t> ids;
  if (last <= kSampled) {
    for (int64_t id = 1; id <= last; ++id) ids.push_back(id);
    return ids;
  }
  absl::InsecureBitGen random;
  absl::flat_hash_set<int64_t> drawn;
  while (drawn.size() < kSampled) {
    drawn.insert(absl::Uniform<int64_t>(absl::IntervalClosed, random, 1, last));
  }
  return {drawn.begin(), drawn.end()};
}

}  // namespace

SearchSample::SearchSample(Dialect dialect, std::vector<Row> rows) {
  std::vector<std::pair<uint32_t, uint16_t>> all;
  for (size_t number = 0; number < rows.size(); ++number) {
    for (const std::string& list : ListsOf(rows[number].text)) {
      all.emplace_back(HashOf(list), number);
    }
  }
  SortEachOnce(all);
  for (const auto& [hash, number] : all) {
    if (hashes_.empty() || hashes_.back() != hash) {
      hashes_.push_back(hash);
      ends_.push_back(numbers_.size());
    }
    numbers_.push_back(number);
    ++ends_.back();
  }
  if (dialect == Dialect::kPostgresql) rows_ = std::move(rows);
}

absl::Span<const uint16_t> SearchSample::Find(const std::string& list) const {
  const uint32_t hash = HashOf(list);
  const auto found = std::lower_bound(hashes_.begin(), hashes_.end(), hash);
  if (found == hashes_.end() || *found != hash) return {};
  const size_t at = found - hashes_.begin();
  const size_t begin = at == 0 ? 0 : ends_[at - 1];
  return absl::MakeConstSpan(numbers_).subspan(begin, ends_[at] - begin);
}

absl::StatusOr<std::shared_ptr<const SearchSample>> TakeSearchSample(
    Transaction& transaction) {
  const std::string ids =
      ArrayOf(transaction.dialect, RandomIds(LastRepositoryId(transaction)));
  std::vector<SearchSample::Row> rows;
  int64_t id = 0;
  v1::CatalogRepository repository;
  ForEachRow(
      transaction,
      absl::StrCat("SELECT id, name, path, description FROM repositories "
                   "WHERE removed_at = 0 AND id ",
                   InNumbers(transaction.dialect, "ids")),
      [&] {
        rows.push_back({SearchRank(id, repository), SearchTextOf(repository)});
      },
      soci::use(ids, "ids"), soci::into(id),
      soci::into(*repository.mutable_name()),
      soci::into(*repository.mutable_path()),
      soci::into(*repository.mutable_description()));
  return std::make_shared<const SearchSample>(transaction.dialect,
                                              std::move(rows));
}

}  // namespace lamplighter::reposync
