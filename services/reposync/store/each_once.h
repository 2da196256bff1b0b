#pragma once

#include <algorithm>

namespace lamplighter::reposync {

// Puts values in order and leaves one of those that are the same.
template <typename Values>
void SortEachOnce(Values& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace lamplighter::reposync
