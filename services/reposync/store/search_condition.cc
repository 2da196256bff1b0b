#include "services/reposync/store/search_condition.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "services/reposync/store/search_index.h"

namespace lamplighter::reposync {
namespace {

using Kind = SearchAtom::Kind;

std::string Match(const SearchAtom& atom) {
  const std::string word = absl::StrReplaceAll(atom.word, {{"\"", "\"\""}});
  const std::string begins(1, kNameBegins), ends(1, kNameEnds);
  switch (atom.kind) {
    case Kind::kNameIs:
      return absl::StrCat("{name} : \"", begins, word, ends, "\"");
    case Kind::kNameBegins:
      return absl::StrCat("{name} : \"", begins, word, "\"");
    case Kind::kNameHas:
      return absl::StrCat("{name} : \"", word, "\"");
    case Kind::kNameOrPathHas:
      return absl::StrCat("{name path} : \"", word, "\"");
    case Kind::kAnyHas:
      return absl::StrCat("\"", word, "\"");
  }
  return "";
}

// `bindings` gets the pattern under `name`.
std::string Like(const SearchAtom& atom, const std::string& name,
                 Bindings& bindings) {
  const std::string pattern = absl::StrReplaceAll(
      atom.word, {{"\\", "\\\\"}, {"%", "\\%"}, {"_", "\\_"}});
  const auto like = [&name](const char* column) {
    return absl::StrCat("repository_search.", column, " LIKE :", name);
  };
  switch (atom.kind) {
    case Kind::kNameIs:
      bindings.Text(name, atom.word);
      return absl::StrCat("repository_search.name = :", name);
    case Kind::kNameBegins:
      bindings.Text(name, absl::StrCat(pattern, "%"));
      return like("name");
    case Kind::kNameHas:
      bindings.Text(name, absl::StrCat("%", pattern, "%"));
      return like("name");
    case Kind::kNameOrPathHas:
      bindings.Text(name, absl::StrCat("%", pattern, "%"));
      return absl::StrCat(like("name"), " OR ", like("path"));
    case Kind::kAnyHas:
      bindings.Text(name, absl::StrCat("%", pattern, "%"));
      return absl::StrCat(like("name"), " OR ", like("path"), " OR ",
                          like("description"));
  }
  return "";
}

}  // namespace

std::string SearchSql(Dialect dialect, const std::vector<SearchClause>& clauses,
                      Bindings& bindings) {
  const bool sqlite = dialect == Dialect::kSqlite;
  std::vector<std::string> all;
  int number = 0;
  for (const SearchClause& clause : clauses) {
    std::vector<std::string> alternatives;
    for (const SearchAtom& atom : clause) {
      alternatives.push_back(
          sqlite ? absl::StrCat("(", Match(atom), ")")
                 : Like(atom, absl::StrCat("word", ++number), bindings));
    }
    all.push_back(absl::StrCat("(", absl::StrJoin(alternatives, " OR "), ")"));
  }
  if (!sqlite) return absl::StrJoin(all, " AND ");
  bindings.Text("match", absl::StrJoin(all, " AND "));
  return "repository_search MATCH :match";
}

}  // namespace lamplighter::reposync
