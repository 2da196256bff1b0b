#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/search_text.h"

namespace lamplighter::reposync {

// Rows of a sample, by number; each once.
class SampleRows {
 public:
  void Add(uint16_t number);
  SampleRows& operator|=(const SampleRows& other);
  SampleRows& operator&=(const SampleRows& other);
  size_t size() const;

 private:
  std::vector<uint64_t> bits_;
};

// Some repositories taken at random, by which Search() knows what is common
// before it asks the database. What it finds does not depend on it; how fast it
// finds it does. Thread-safe once it is made: it does not change then.
class SearchSample {
 public:
  // Knows nothing: all is rare.
  SearchSample() = default;
  // Each of 65,536 rows at most stands for `weight` repositories.
  SearchSample(const std::vector<SearchText>& rows, double weight);

  double weight() const { return weight_; }
  // Adds those that are in a list of the index. Returns how many are.
  size_t Find(const std::string& list, SampleRows& rows) const;

 private:
  double weight_ = 1;
  // Hashes of lists, and what is in them; in order.
  std::vector<std::pair<uint32_t, uint16_t>> in_lists_;
  std::vector<uint32_t> begins_;  // in these, by the first bits of the hash
};

// Of what the catalog has now.
absl::StatusOr<std::shared_ptr<const SearchSample>> TakeSearchSample(
    Transaction& transaction);

}  // namespace lamplighter::reposync
