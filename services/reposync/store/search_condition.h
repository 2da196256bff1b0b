#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "services/reposync/store/database.h"
#include "services/reposync/store/entry_rows.h"

namespace lamplighter::reposync {

// What one row of the search index is to have: one of the alternatives of every
// clause.
struct SearchAtom {
  enum class Kind : uint8_t {
    kNameIs,
    kNameBegins,
    kNameHas,
    kNameOrPathHas,
    kAnyHas,
  };
  Kind kind;
  std::string word;  // folded, and of three characters where something has it
};
using SearchClause = std::vector<SearchAtom>;

// In the language of the database, on the table repository_search; the values
// go to `bindings`.
std::string SearchSql(Dialect dialect, const std::vector<SearchClause>& clauses,
                      Bindings& bindings);

}  // namespace lamplighter::reposync
