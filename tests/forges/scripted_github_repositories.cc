#include "tests/forges/scripted_github_repositories.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace lamplighter {
namespace {

// Those of `owner` from `begin` up to `end`, with commas between.
std::string RepositoriesJson(const std::string& owner, size_t begin, size_t end,
                             Viewer viewer, absl::string_view host) {
  std::string list;
  for (size_t i = begin; i < end; ++i) {
    absl::StrAppend(&list, i == begin ? "" : ",",
                    RepositoryJson({.owner = owner,
                                    .name = absl::StrFormat("repo-%06d", i),
                                    .number = i},
                                   viewer, host));
  }
  return list;
}

}  // namespace

HttpResponse ScriptedGitHubRepositories::List(
    const HttpRequest& request) const {
  size_t total = 0;
  for (const auto& [owner, count] : counts_) total += count;
  const absl::string_view host = request.headers.Find("Host").value_or("");
  return PageOf(request, total, [&](size_t begin, size_t end) {
    std::vector<std::string> parts;
    size_t first = 0;  // of the owner's
    for (const auto& [owner, count] : counts_) {
      const size_t from = std::max(begin, first);
      const size_t to = std::min(end, first + count);
      if (from < to) {
        parts.push_back(RepositoriesJson(owner, from - first, to - first,
                                         Viewer::kUser, host));
      }
      first += count;
    }
    return absl::StrCat("[", absl::StrJoin(parts, ","), "]");
  });
}

HttpResponse ScriptedGitHubRepositories::ListOf(
    const HttpRequest& request, const std::string& owner) const {
  const auto it = counts_.find(owner);
  const size_t total = it == counts_.end() ? 0 : it->second;
  const absl::string_view host = request.headers.Find("Host").value_or("");
  return PageOf(request, total, [&](size_t begin, size_t end) {
    return absl::StrCat(R"({"total_count":)", total,
                        R"(,"repository_selection":"all","repositories":[)",
                        RepositoriesJson(owner, begin, end, Viewer::kApp, host),
                        "]}");
  });
}

}  // namespace lamplighter
