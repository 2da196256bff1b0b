#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "services/reposync/store/search_sample.h"

// Which trigrams to ask an index for, by how many of a sample have them.

namespace lamplighter::reposync {

using SampleRows = std::vector<uint16_t>;  // numbers, in order

SampleRows Both(const SampleRows& rows, const SampleRows& others);
SampleRows Either(const SampleRows& rows, const SampleRows& others);
SampleRows RowsOf(const std::string& trigram, const SearchSample& sample);

// True if reading of `read` entries is worth while, as it leaves `rows` in
// place of `before`, a part of them.
bool IsWorth(size_t before, size_t rows, size_t read);

struct Trigram {
  std::string text;
  SampleRows rows;
};

// As many of the trigrams as are worth while, with the rows that have them all
// and the entries of all their lists.
struct ChosenTrigrams {
  std::vector<std::string> trigrams;
  SampleRows rows;
  size_t read = 0;
};
ChosenTrigrams ChooseTrigrams(std::vector<Trigram> trigrams);

}  // namespace lamplighter::reposync
