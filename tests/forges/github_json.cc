#include "tests/forges/github_json.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "boost/json/serialize.hpp"
#include "boost/json/string.hpp"
#include "tests/forges/scripted_forge.h"

namespace lamplighter {
namespace {

// A JSON string, quotes included.
std::string Quoted(absl::string_view text) {
  return boost::json::serialize(boost::json::string(text.data(), text.size()));
}

std::string OrNull(absl::string_view text) {
  return text.empty() ? "null" : Quoted(text);
}

// GitHub's order of what is worst.
absl::string_view CombinedState(absl::Span<const ScriptedStatus* const> all) {
  const auto any = [&](absl::string_view state) {
    return absl::c_any_of(
        all, [&](const ScriptedStatus* s) { return s->state == state; });
  };
  if (any("failure") || any("error")) return "failure";
  if (all.empty() || any("pending")) return "pending";
  return "success";
}

}  // namespace

CommitName CommitOf(const std::vector<std::string>& path_params) {
  return {path_params[0], path_params[1], path_params[2]};
}

std::string StatusJson(const ScriptedStatus& status, const CommitName& commit) {
  const std::string at = absl::FormatTime(
      "%Y-%m-%dT%H:%M:%SZ", status.created_at, absl::UTCTimeZone());
  return absl::StrCat(
      R"({"url":"https://api.github.com/repos/)", commit.owner, "/",
      commit.repository, "/statuses/", commit.sha,
      R"(","avatar_url":"https://avatars.githubusercontent.com/u/1?v=4","id":)",
      status.id, R"(,"node_id":"SC_sandbox)", status.id, R"(","state":)",
      Quoted(status.state), R"(,"description":)", OrNull(status.description),
      R"(,"target_url":)", OrNull(status.target_url), R"(,"context":)",
      Quoted(status.context), R"(,"created_at":")", at, R"(","updated_at":")",
      at,
      R"(","creator":{"login":"sandbox","id":1,"node_id":"MDQ6VXNlcjE=",)"
      R"("type":"User","site_admin":false}})");
}

std::string StatusListJson(absl::Span<const ScriptedStatus* const> page,
                           const CommitName& commit) {
  return absl::StrCat(
      "[",
      absl::StrJoin(page, ",",
                    [&](std::string* out, const ScriptedStatus* status) {
                      *out += StatusJson(*status, commit);
                    }),
      "]");
}

std::string CombinedJson(absl::Span<const ScriptedStatus* const> all,
                         absl::Span<const ScriptedStatus* const> page,
                         const CommitName& commit) {
  return absl::StrCat(R"({"state":")", CombinedState(all), R"(","statuses":)",
                      StatusListJson(page, commit), R"(,"sha":")", commit.sha,
                      R"(","total_count":)", all.size(),
                      R"(,"repository":{"full_name":")", commit.owner, "/",
                      commit.repository, R"("}})");
}

std::string ErrorJson(int status, absl::string_view message) {
  return absl::StrCat(R"({"message":)", Quoted(message),
                      R"(,"documentation_url":"https://docs.github.com/rest",)"
                      R"("status":")",
                      status, R"("})");
}

std::string ValidationJson(absl::string_view problem,
                           absl::string_view resource) {
  return absl::StrCat(
      R"({"message":"Validation Failed","errors":[{"resource":")", resource,
      R"(","code":"custom","message":)", Quoted(problem),
      R"(}],"documentation_url":"https://docs.github.com/rest",)"
      R"("status":"422"})");
}

size_t IdOf(const RepositoryName& repository) {
  return absl::HashOf(repository.owner) % 1'000'000 * 1'000'000 +
         repository.number;
}

std::string RepositoryJson(const RepositoryName& repository, Viewer viewer,
                           absl::string_view host) {
  const std::string path = absl::StrCat(repository.owner, "/", repository.name);
  const std::string url = absl::StrCat("http://", host, "/", path);
  const size_t n = repository.number;
  const bool is_user = viewer == Viewer::kUser;
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  return absl::StrCat(
      R"({"id":)", repository.id == 0 ? IdOf(repository) : repository.id,
      R"(,"node_id":"R_x","name":")", repository.name, R"(","full_name":")",
      path, R"(","private":)", flag(n % 2 == 1), R"(,"owner":{"login":")",
      repository.owner, R"(","id":)",
      absl::HashOf(repository.owner) % 1'000'000,
      R"(,"type":"Organization","site_admin":false},"html_url":")", url,
      R"(","description":)", n % 3 == 0 ? "null" : R"("what it is for")",
      R"(,"fork":)", flag(n % 5 == 4), R"(,"url":"http://)", host,
      R"(/api/v3/repos/)", path, R"(","created_at":"2020-01-01T09:00:00Z",)",
      R"("updated_at":"2026-11-21T09:00:00Z","pushed_at":)",
      n % 7 == 6 ? "null" : R"("2026-11-20T09:00:00Z")",
      R"(,"git_url":"git:github.com/)", path, R"(.git","clone_url":")", url,
      R"(.git","size":108,"archived":)", flag(n % 10 == 9),
      R"(,"disabled":false,"visibility":")", n % 2 == 1 ? "private" : "public",
      R"(","default_branch":"main",)", R"("permissions":{"admin":)",
      flag(is_user && n % 3 == 0), R"(,"maintain":false,"push":)",
      flag(is_user && n % 3 < 2), R"(,"triage":false,"pull":)", flag(is_user),
      "}}");
}

HttpResponse PageOf(
    const HttpRequest& request, size_t count,
    const std::function<std::string(size_t begin, size_t end)>& format) {
  const size_t size =
      std::min<size_t>(QueryNumber(request.query, "per_page", 30), 100);
  const size_t page = QueryNumber(request.query, "page", 1);
  const size_t begin = std::min(count, (page - 1) * size);
  const size_t end = std::min(count, begin + size);
  HttpResponse response = JsonResponse(200, format(begin, end));
  const std::string etag =
      absl::StrCat("W/\"",
                   absl::Hex(absl::HashOf(
                       response.body, request.headers.Find("Authorization"))),
                   "\"");
  if (request.headers.Find("If-None-Match") == absl::string_view(etag)) {
    response = HttpResponse();
    response.status = 304;
  } else if (end < count) {
    response.headers.Add(
        "Link", absl::StrCat("<http://",
                             request.headers.Find("Host").value_or("localhost"),
                             request.path, "?per_page=", size,
                             "&page=", page + 1, ">; rel=\"next\""));
  }
  response.headers.Add("ETag", etag);
  return response;
}

}  // namespace lamplighter
