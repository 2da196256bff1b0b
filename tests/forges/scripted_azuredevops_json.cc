#include "tests/forges/scripted_azuredevops_json.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "boost/json/value.hpp"
#include "tests/forges/scripted_forge.h"

namespace lamplighter::azuredevops {
namespace {

namespace json = ::boost::json;

// Between genre and name.
constexpr char kSeparator[] = "\n";

constexpr char kProjectKind[] = "6ce954b1";
constexpr char kRepositoryKind[] = "278d5cd2";

// The number in "PREFIX7"; none where it is something else.
absl::optional<size_t> NumberAfter(absl::string_view prefix,
                                   absl::string_view name) {
  size_t number = 0;
  if (!absl::ConsumePrefix(&name, prefix) || !absl::SimpleAtoi(name, &number)) {
    return absl::nullopt;
  }
  return number;
}

// An id of what was added, which tells its number, or of any other name.
std::string Guid(absl::string_view kind, absl::optional<size_t> number,
                 absl::string_view name) {
  if (number) return absl::StrFormat("%s-0000-4000-8000-%012x", kind, *number);
  const size_t hash =
      absl::HashOf(absl::AsciiStrToLower(name)) & 0xFFFFFFFFFFFF;
  return absl::StrFormat("%s-0001-4000-8000-%012x", kind, hash);
}

// The name of what was added with that id; else as it is.
std::string NameOf(absl::string_view kind, absl::string_view prefix,
                   const std::string& id_or_name) {
  absl::string_view digits = id_or_name;
  size_t number = 0;
  if (!absl::ConsumePrefix(&digits, absl::StrCat(kind, "-0000-4000-8000-")) ||
      !absl::SimpleHexAtoi(digits, &number)) {
    return id_or_name;
  }
  return absl::StrCat(prefix, number);
}

}  // namespace

Path PathOf(const HttpRequest& request) {
  std::vector<std::string> names = request.path_params;
  for (std::string& name : names) name = PercentDecoded(name);
  names.resize(4);
  // Names ignore case.
  if (absl::StartsWithIgnoreCase(names[1], "Project ")) names[1][0] = 'P';
  return {names[0], NameOf(kProjectKind, "Project ", names[1]),
          NameOf(kRepositoryKind, "repo-", names[2]), names[3]};
}

std::string ProjectId(absl::string_view name) {
  return Guid(kProjectKind, NumberAfter("Project ", name), name);
}

std::string RepositoryId(absl::string_view project, absl::string_view name) {
  return Guid(kRepositoryKind, NumberAfter("repo-", name),
              absl::StrCat(project, "/", name));
}

absl::optional<size_t> NumberOfProject(absl::string_view name) {
  return NumberAfter("Project ", name);
}

bool IsDisabled(const std::string& repository) {
  const auto number = NumberAfter("repo-", repository);
  return repository == "disabled" || (number && *number % 10 == 9);
}

std::string StoredContext(absl::string_view genre, absl::string_view name) {
  return absl::StrCat(genre, kSeparator, name);
}

std::string ListJson(const std::vector<std::string>& entries) {
  return absl::StrCat(R"({"count":)", entries.size(), R"(,"value":[)",
                      absl::StrJoin(entries, ","), "]}");
}

std::string ProjectJson(const std::string& name) {
  return absl::StrCat(
      R"({"id":")", ProjectId(name), R"(","name":")", name,
      R"(","description":"of the script","state":"wellFormed","revision":11,)",
      R"("visibility":"private","lastUpdateTime":"2026-11-21T09:00:00.123Z"})");
}

std::string RepositoryJson(const HttpRequest& request, const Path& path) {
  const auto number = NumberAfter("repo-", path.repository);
  const absl::string_view host =
      request.headers.Find("Host").value_or("localhost");
  const std::string page = absl::StrCat(
      path.organization, "/", absl::StrReplaceAll(path.project, {{" ", "%20"}}),
      "/_git/", absl::StrReplaceAll(path.repository, {{" ", "%20"}}));
  return absl::StrCat(
      R"({"id":")", RepositoryId(path.project, path.repository),
      R"(","name":")", path.repository, R"(","project":)",
      ProjectJson(path.project),
      R"(,"defaultBranch":"refs/heads/main","size":728,"remoteUrl":"http://)",
      path.organization, "@", host, "/", page, R"(","sshUrl":"",)",
      R"("webUrl":"http://)", host, "/", page, R"(","isDisabled":)",
      IsDisabled(path.repository) ? "true" : "false",
      number && *number % 10 == 8 ? R"(,"isFork":true)" : "",
      R"(,"isInMaintenance":false})");
}

std::string StatusJson(const ScriptedStatus& status) {
  const std::pair<std::string, std::string> context =
      absl::StrSplit(status.context, absl::MaxSplits(kSeparator, 1));
  json::object shown = {
      {"id", status.id},
      {"state", status.state},
      {"context",
       json::object{{"name", context.second}, {"genre", context.first}}},
      {"creationDate",
       absl::FormatTime("%Y-%m-%dT%H:%M:%E7SZ", status.created_at,
                        absl::UTCTimeZone())},
      {"createdBy", json::object{{"displayName", "Ada Example"}}}};
  // What was not given is null or not there.
  shown["description"] = status.description.empty()
                             ? json::value()
                             : json::value(status.description);
  if (!status.target_url.empty()) shown["targetUrl"] = status.target_url;
  return json::serialize(shown);
}

}  // namespace lamplighter::azuredevops
