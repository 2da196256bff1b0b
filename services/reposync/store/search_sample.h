#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/search_text.h"

namespace lamplighter::reposync {

// Numbers of rows of a sample, in order.
using SampleRows = std::vector<uint16_t>;

// A few thousand repositories taken at random, by which Search() knows what is
// common before it asks the database. What it finds does not depend on it, but
// for which of very many come first; how fast it finds it does. Thread-safe: it
// never changes.
class SearchSample {
 public:
  struct Row {
    int64_t rank;
    SearchText text;
  };

  // Knows nothing: all is rare.
  SearchSample() = default;
  SearchSample(Dialect dialect, std::vector<Row> rows);

  // Which are in a list of the index.
  absl::Span<const uint16_t> Find(const std::string& list) const;

  // By number. On SQLite, where nobody asks, none are kept.
  const std::vector<Row>& rows() const { return rows_; }

 private:
  // Of a hash of a list, numbers_ from ends_ of the one before to its own.
  std::vector<uint32_t> hashes_;
  std::vector<uint32_t> ends_;
  std::vector<uint16_t> numbers_;
  std::vector<Row> rows_;
};

// Of what the catalog has now.
absl::StatusOr<std::shared_ptr<const SearchSample>> TakeSearchSample(
    Transaction& transaction);

}  // namespace lamplighter::reposync
