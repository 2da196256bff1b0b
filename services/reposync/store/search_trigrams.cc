#include "services/reposync/store/search_trigrams.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/types/span.h"

namespace lamplighter::reposync {
namespace {

// Of a row that was found, text is read and looked at, which takes so many
// times as long as reading of it in the list of a trigram.
constexpr size_t kCandidateCost = 60;
// So many at least, as a sample does not know what is rare.
constexpr size_t kLeastTrigrams = 2;

}  // namespace

SampleRows Both(const SampleRows& rows, const SampleRows& others) {
  SampleRows both;
  std::set_intersection(rows.begin(), rows.end(), others.begin(), others.end(),
                        std::back_inserter(both));
  return both;
}

SampleRows Either(const SampleRows& rows, const SampleRows& others) {
  SampleRows either;
  std::set_union(rows.begin(), rows.end(), others.begin(), others.end(),
                 std::back_inserter(either));
  return either;
}

SampleRows RowsOf(const std::string& trigram, const SearchSample& sample) {
  const absl::Span<const uint16_t> rows = sample.Find(trigram);
  return {rows.begin(), rows.end()};
}

bool IsWorth(size_t before, size_t rows, size_t read) {
  return (before - rows) * kCandidateCost > read;
}

ChosenTrigrams ChooseTrigrams(std::vector<Trigram> trigrams) {
  std::sort(trigrams.begin(), trigrams.end(),
            [](const Trigram& a, const Trigram& b) {
              return std::pair(a.rows.size(), a.text) <
                     std::pair(b.rows.size(), b.text);
            });
  ChosenTrigrams chosen;
  for (Trigram& trigram : trigrams) {
    SampleRows rows = chosen.trigrams.empty() ? trigram.rows
                                              : Both(chosen.rows, trigram.rows);
    if (chosen.trigrams.size() >= kLeastTrigrams &&
        !IsWorth(chosen.rows.size(), rows.size(), trigram.rows.size())) {
      continue;
    }
    chosen.read += trigram.rows.size();
    chosen.rows = std::move(rows);
    chosen.trigrams.push_back(std::move(trigram.text));
  }
  return chosen;
}

}  // namespace lamplighter::reposync
