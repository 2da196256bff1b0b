#include "tests/forges/github_json.h"

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "boost/json/serialize.hpp"
#include "boost/json/string.hpp"

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

std::string ValidationJson(absl::string_view problem) {
  return absl::StrCat(
      R"({"message":"Validation Failed","errors":[{"resource":"Status",)"
      R"("code":"custom","message":)",
      Quoted(problem),
      R"(}],"documentation_url":"https://docs.github.com/rest",)"
      R"("status":"422"})");
}

std::string CallJson(const ScriptedCall& call) {
  return absl::StrCat(R"({"number":)", call.number, R"(,"at_ms":)",
                      absl::ToUnixMillis(call.at), R"(,"method":")",
                      call.method, R"(","path":)", Quoted(call.path),
                      R"(,"status":)", call.status, R"(,"context":)",
                      Quoted(call.context), R"(,"state":)", Quoted(call.state),
                      R"(,"description":)", Quoted(call.description), "}");
}

}  // namespace lamplighter
