#include "tests/forges/scripted_github_repositories.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "boost/json/object.hpp"
#include "tests/forges/scripted_forge.h"
#include "tests/forges/scripted_json.h"

namespace lamplighter {
namespace {

RepositoryName NameOf(const std::string& owner, size_t number) {
  return {.owner = owner,
          .name = absl::StrFormat("repo-%06d", number),
          .number = number};
}

std::string FullName(const RepositoryName& repository) {
  return absl::StrCat(repository.owner, "/", repository.name);
}

absl::optional<size_t> NumberAt(const boost::json::object& object,
                                const char* key) {
  const boost::json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_int64()) return absl::nullopt;
  return static_cast<size_t>(std::max<int64_t>(value->get_int64(), 0));
}

}  // namespace

void ScriptedGitHubRepositories::Clear() {
  counts_.clear();
  changed_.clear();
}

HttpResponse ScriptedGitHubRepositories::Change(const HttpRequest& request,
                                                const Moved& moved) {
  const auto body = ReadBody(request);
  if (!body) return Problem(400, "must be a JSON object");
  const std::string owner = TextAt(*body, "owner");
  if (const auto count = NumberAt(*body, "count")) {
    counts_[owner] = *count;
    return NoContent();
  }
  const auto number = NumberAt(*body, "number");
  if (!number) return Problem(400, "must have a count or a number");
  Changed& changed =
      changed_.try_emplace({owner, *number}, Changed{NameOf(owner, *number)})
          .first->second;
  const std::string before = FullName(changed.now);
  if (const std::string name = TextAt(*body, "name"); !name.empty()) {
    if (changed.now.id == 0) changed.now.id = IdOf(changed.now);
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(name, absl::MaxSplits('/', 1));
    changed.now.owner = parts.first;
    changed.now.name = parts.second;
    moved(before, name);
  } else {
    changed.is_gone = body->contains("deleted");
    // Ids that are made of owner and number are smaller.
    changed.now.id = 2'000'000'000'000 + ++recreated_;
    moved(before, "");
  }
  return NoContent();
}

std::string ScriptedGitHubRepositories::Json(const std::string& owner,
                                             size_t begin, size_t end,
                                             Viewer viewer,
                                             absl::string_view host) const {
  std::string list;
  for (size_t i = begin; i < end; ++i) {
    const auto it = changed_.find({owner, i});
    if (it != changed_.end() && it->second.is_gone) continue;
    absl::StrAppend(
        &list, list.empty() ? "" : ",",
        RepositoryJson(it == changed_.end() ? NameOf(owner, i) : it->second.now,
                       viewer, host));
  }
  return list;
}

RepositoryName ScriptedGitHubRepositories::Find(const std::string& owner,
                                                const std::string& name) const {
  for (const auto& [first, changed] : changed_) {
    if (absl::EqualsIgnoreCase(changed.now.owner, owner) &&
        absl::EqualsIgnoreCase(changed.now.name, name)) {
      return changed.now;
    }
  }
  absl::string_view digits = name;
  size_t number = 0;
  if (!absl::ConsumePrefix(&digits, "repo-") ||
      !absl::SimpleAtoi(digits, &number)) {
    number = 0;
  }
  return {.owner = owner, .name = name, .number = number};
}

bool ScriptedGitHubRepositories::IsGone(absl::string_view path) const {
  for (const auto& [first, changed] : changed_) {
    if (!changed.is_gone) continue;
    const std::string name = FullName(changed.now);
    if (absl::EqualsIgnoreCase(path, name) ||
        absl::StartsWithIgnoreCase(path, absl::StrCat(name, "/"))) {
      return true;
    }
  }
  return false;
}

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
        parts.push_back(
            Json(owner, from - first, to - first, Viewer::kUser, host));
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
                        Json(owner, begin, end, Viewer::kApp, host), "]}");
  });
}

}  // namespace lamplighter
