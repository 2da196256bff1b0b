#include "tests/forges/scripted_github_app.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/provider/forges/github/testing/app_key.h"
#include "simdjson.h"
#include "tests/forges/github_json.h"
#include "tests/forges/scripted_forge.h"

namespace lamplighter {
namespace {

constexpr absl::Duration kTokenLife = absl::Hours(1);
constexpr absl::Duration kLongestJwt = absl::Minutes(10);
constexpr size_t kMaxTokens = 10'000;

HttpResponse Refusal(int status, absl::string_view message) {
  return JsonResponse(status, ErrorJson(status, message));
}

std::string PermissionsJson(
    const std::map<std::string, std::string>& permissions) {
  return absl::StrCat(
      "{",
      absl::StrJoin(permissions, ",",
                    [](std::string* out, const auto& permission) {
                      absl::StrAppend(out, "\"", permission.first, "\":\"",
                                      permission.second, "\"");
                    }),
      "}");
}

std::string TimeJson(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string InstallationJson(
    int64_t id, const ScriptedGitHubApp::Installation& installation) {
  return absl::StrCat(
      R"({"id":)", id, R"(,"account":{"login":")", installation.account,
      R"(","id":)", 1000 + id, R"(,"type":"Organization"},)",
      R"("repository_selection":"all","app_id":1,"target_type":"Organization",)",
      R"("permissions":)", PermissionsJson(installation.permissions),
      R"(,"events":[],"suspended_at":)",
      installation.is_suspended ? R"("2026-11-01T09:00:00Z")" : "null", "}");
}

}  // namespace

absl::optional<HttpResponse> ScriptedGitHubApp::RefuseJwt(
    absl::string_view jwt) const {
  const auto claims = key_.empty()
                          ? absl::nullopt
                          : provider::VerifiedClaims(std::string(jwt), key_);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view issuer;
  int64_t issued = 0;
  int64_t expires = 0;
  if (!claims || parser.parse(*claims).get(root) || root["iss"].get(issuer) ||
      root["iat"].get(issued) || root["exp"].get(expires)) {
    return Refusal(401, "A JSON web token could not be decoded");
  }
  if (issuer != id_) return Refusal(404, "Integration not found");
  const int64_t now = absl::ToUnixSeconds(clock_.Now());
  if (issued > now) {
    return Refusal(401,
                   "'Issued at' claim ('iat') must be an Integer representing "
                   "the time that the assertion was issued");
  }
  if (expires <= now || expires > now + absl::ToInt64Seconds(kLongestJwt)) {
    return Refusal(401,
                   "'Expiration time' claim ('exp') must be a numeric value "
                   "representing the future time at which the assertion "
                   "expires");
  }
  return absl::nullopt;
}

const ScriptedGitHubApp::Installation* ScriptedGitHubApp::Find(
    absl::string_view token) const {
  const auto it = tokens_.find(token);
  if (it == tokens_.end() || it->second.expires_at <= clock_.Now()) {
    return nullptr;
  }
  const auto installation = installations_.find(it->second.installation);
  return installation == installations_.end() ? nullptr : &installation->second;
}

HttpResponse ScriptedGitHubApp::Get() const {
  return JsonResponse(
      200, absl::StrCat(R"({"id":1,"slug":"lamplighter","client_id":"Iv1.x",)",
                        R"("name":"Lamplighter","permissions":)",
                        PermissionsJson(Installation().permissions),
                        R"(,"events":[],"installations_count":)",
                        installations_.size(), "}"));
}

HttpResponse ScriptedGitHubApp::ListInstallations(
    const HttpRequest& request) const {
  std::vector<std::string> list;
  for (const auto& [id, installation] : installations_) {
    list.push_back(InstallationJson(id, installation));
  }
  return PageOf(request, list.size(), [&](size_t begin, size_t end) {
    return absl::StrCat(
        "[",
        absl::StrJoin(list.begin() + static_cast<ptrdiff_t>(begin),
                      list.begin() + static_cast<ptrdiff_t>(end), ","),
        "]");
  });
}

HttpResponse ScriptedGitHubApp::FindInstallation(
    absl::string_view account) const {
  for (const auto& [id, installation] : installations_) {
    if (absl::EqualsIgnoreCase(installation.account, account)) {
      return JsonResponse(200, InstallationJson(id, installation));
    }
  }
  return Refusal(404, "Not Found");
}

HttpResponse ScriptedGitHubApp::CreateToken(int64_t installation) {
  const auto it = installations_.find(installation);
  if (it == installations_.end()) return Refusal(404, "Not Found");
  if (it->second.is_suspended) {
    return Refusal(403, "This installation has been suspended");
  }
  if (tokens_.size() >= kMaxTokens) tokens_.clear();
  // As long as they are nowadays.
  const std::string token =
      absl::StrCat("ghs_", id_, "_", ++tokens_made_, std::string(400, 'x'));
  const absl::Time expires_at = clock_.Now() + kTokenLife;
  tokens_[token] = {installation, expires_at};
  return JsonResponse(
      201, absl::StrCat(R"({"token":")", token, R"(","expires_at":")",
                        TimeJson(expires_at), R"(","permissions":)",
                        PermissionsJson(it->second.permissions),
                        R"(,"repository_selection":"all"})"));
}

void ScriptedGitHubApp::Clear() {
  installations_.clear();
  tokens_.clear();
  tokens_made_ = 0;
}

}  // namespace lamplighter
