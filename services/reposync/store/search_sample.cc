#include "services/reposync/store/search_sample.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/numeric/bits.h"
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

constexpr int64_t kSampled = 32'768;
constexpr size_t kBits = 64;

// Where to look, by the first bits of a hash: going through all of the sample
// for each list would take longer than all else that a search does here.
constexpr int kDrawerBits = 16;
constexpr size_t kDrawers = size_t{1} << kDrawerBits;

size_t DrawerOf(uint32_t hash) { return hash >> (32 - kDrawerBits); }

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

void SampleRows::Add(uint16_t number) {
  const size_t place = number / kBits;
  if (place >= bits_.size()) bits_.resize(place + 1);
  bits_[place] |= uint64_t{1} << (number % kBits);
}

SampleRows& SampleRows::operator|=(const SampleRows& other) {
  bits_.resize(std::max(bits_.size(), other.bits_.size()));
  for (size_t i = 0; i < other.bits_.size(); ++i) bits_[i] |= other.bits_[i];
  return *this;
}

SampleRows& SampleRows::operator&=(const SampleRows& other) {
  bits_.resize(std::min(bits_.size(), other.bits_.size()));
  for (size_t i = 0; i < bits_.size(); ++i) bits_[i] &= other.bits_[i];
  return *this;
}

size_t SampleRows::size() const {
  size_t size = 0;
  for (const uint64_t bits : bits_) size += absl::popcount(bits);
  return size;
}

SearchSample::SearchSample(const std::vector<SearchText>& rows, double weight)
    : weight_(weight), begins_(kDrawers + 1) {
  for (size_t number = 0; number < rows.size(); ++number) {
    for (const std::string& list : ListsOf(rows[number])) {
      in_lists_.emplace_back(HashOf(list), number);
    }
  }
  SortEachOnce(in_lists_);
  in_lists_.shrink_to_fit();
  for (const auto& [hash, number] : in_lists_) ++begins_[DrawerOf(hash) + 1];
  std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
}

size_t SearchSample::Find(const std::string& list, SampleRows& rows) const {
  if (in_lists_.empty()) return 0;
  const uint32_t hash = HashOf(list);
  const auto end = in_lists_.begin() + begins_[DrawerOf(hash) + 1];
  auto place = std::lower_bound(in_lists_.begin() + begins_[DrawerOf(hash)],
                                end, std::pair(hash, uint16_t{0}));
  size_t count = 0;
  for (; place != end && place->first == hash; ++place, ++count) {
    rows.Add(place->second);
  }
  return count;
}

absl::StatusOr<std::shared_ptr<const SearchSample>> TakeSearchSample(
    Transaction& transaction) {
  const int64_t last = LastRepositoryId(transaction);
  const std::string ids = ArrayOf(transaction.dialect, RandomIds(last));
  std::vector<SearchText> rows;
  v1::CatalogRepository repository;
  ForEachRow(
      transaction,
      absl::StrCat("SELECT name, path, description FROM repositories "
                   "WHERE removed_at = 0 AND id ",
                   InNumbers(transaction.dialect, "ids")),
      [&] { rows.push_back(SearchTextOf(repository)); }, soci::use(ids, "ids"),
      soci::into(*repository.mutable_name()),
      soci::into(*repository.mutable_path()),
      soci::into(*repository.mutable_description()));
  return std::make_shared<const SearchSample>(
      rows, std::max(static_cast<double>(last) / kSampled, 1.0));
}

}  // namespace lamplighter::reposync
