#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/lamplighter/v1/catalog.pb.h"

// What a search wants, and whether a repository has it. What the index finds is
// always looked at here, so that the index may find too much.

namespace lamplighter::reposync {

// What is searched of a repository, folded. The path ends with the name; of the
// description it is the first 4,096 characters.
struct SearchText {
  std::string name, path, description;
};

// Something that a repository is to have.
struct SearchAtom {
  enum class Kind : uint8_t {
    kNameIs,
    kNameBegins,
    kNameHas,
    kPathHas,
    kAnyHas,  // path or description
  };
  Kind kind;
  std::string word;  // folded
};
// One of them, at least.
using SearchClause = std::vector<SearchAtom>;
// All of them.
using SearchClauses = std::vector<SearchClause>;

SearchText SearchTextOf(const v1::CatalogRepository& repository);

bool Matches(const SearchText& text, const SearchClauses& clauses);

// The words of a query, folded, each once. InvalidArgument: none, more than 8,
// or more than 256 bytes.
absl::StatusOr<std::vector<std::string>> SearchWords(const std::string& query);

// What to look for, best first; the last one finds all that any does.
std::vector<SearchClauses> SearchTiers(const std::vector<std::string>& words);

}  // namespace lamplighter::reposync
