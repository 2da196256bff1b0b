#include "services/provider/forges/gitlab/gitlab_credential.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/http/http_client.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "services/provider/forges/gitlab/gitlab_client.h"
#include "services/provider/forges/gitlab/gitlab_projects.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider::gitlab {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;
using Access = v1::CatalogRepository::Access;
using Response = v1::CheckCredentialResponse;

// What an answer says, or nothing where GitLab does not tell this to the
// credential: for want of a scope, or because it is too old.
template <typename T, typename Read>
asio::awaitable<absl::StatusOr<absl::optional<T>>> Ask(ForgeCall& call,
                                                       std::string path,
                                                       Read read) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer, co_await Send(call, "GET", std::move(path), ""));
  switch (answer.status) {
    case 400:
    case 403:
    case 404:
      co_return absl::nullopt;
    default:
      break;
  }
  if (answer.status / 100 != 2) co_return StatusFromError(call, answer);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(T said, read(answer.body));
  co_return said;
}

struct Token {
  std::vector<std::string> scopes;
  absl::optional<absl::Time> expires_at;
};

absl::StatusOr<Token> ReadToken(const std::string& body) {
  return ReadObject<Token>(body, [](element root) -> absl::StatusOr<Token> {
    Token token;
    simdjson::dom::array scopes;
    if (root["scopes"].get(scopes)) return UnreadableAnswer();
    for (const element scope : scopes) {
      std::string_view name;
      if (!scope.get(name)) token.scopes.emplace_back(name);
    }
    // A date: the token ends at its midnight, UTC.
    absl::Time expires_at;
    std::string error;
    if (absl::ParseTime("%Y-%m-%d", StringAt(root, "expires_at"), &expires_at,
                        &error)) {
      token.expires_at = expires_at;
    }
    return token;
  });
}

absl::StatusOr<std::string> ReadLogin(const std::string& body) {
  return ReadObject<std::string>(
      body, [](element root) -> absl::StatusOr<std::string> {
        return StringAt(root, "username");
      });
}

absl::StatusOr<std::string> ReadVersion(const std::string& body) {
  return ReadObject<std::string>(
      body, [](element root) -> absl::StatusOr<std::string> {
        return StringAt(root, "version");
      });
}

absl::StatusOr<Access> ReadAccess(const std::string& body) {
  return ReadObject<Access>(body, [](element root) -> absl::StatusOr<Access> {
    return AccessOf(root);
  });
}

absl::StatusOr<bool> ReadIsEmpty(const std::string& body) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::vector<std::string> ids,
      ReadList<std::string>(body,
                            [](element entry) -> absl::StatusOr<std::string> {
                              return IdAt(entry, "id");
                            }));
  return ids.empty();
}

// Tokens of projects and groups have users of their own, named after them.
absl::string_view KindOf(absl::string_view login) {
  if (absl::StrContains(login, "_bot")) {
    if (absl::StartsWith(login, "project_")) return "project access token";
    if (absl::StartsWith(login, "group_")) return "group access token";
  }
  return "personal access token";
}

// The most that the user may do with any project; none where it may not even
// list them. Only the filter knows of every kind of membership.
asio::awaitable<absl::StatusOr<absl::optional<Access>>> HighestAccess(
    ForgeCall& call) {
  const std::pair<int, Access> levels[] = {{40, v1::CatalogRepository::ADMIN},
                                           {30, v1::CatalogRepository::WRITE}};
  for (const auto& [level, access] : levels) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const absl::optional<bool> is_empty,
        co_await Ask<bool>(
            call,
            absl::StrCat("/projects?membership=true&simple=true&per_page=1&"
                         "min_access_level=",
                         level),
            &ReadIsEmpty));
    if (!is_empty) co_return absl::nullopt;
    if (!*is_empty) co_return access;
  }
  co_return v1::CatalogRepository::READ;
}

void JudgeScopes(Response& response) {
  if (response.scopes().empty()) return;  // not known
  const auto has = [&](absl::string_view scope) {
    return absl::c_linear_search(response.scopes(), scope);
  };
  if (has("api") || has("read_api")) {
    response.set_can_list_repositories(Response::YES);
  }
  if (has("api")) return;
  response.set_can_set_statuses(Response::NO);
  response.set_can_manage_webhooks(Response::NO);
  response.add_problems(
      "The token lacks the scope api, without which it can neither set "
      "statuses nor manage webhooks: make one that has it.");
  if (has("read_api")) return;
  response.set_can_list_repositories(Response::NO);
  response.add_problems(
      "The token lacks the scope read_api, without which it cannot list "
      "projects: make one that has it, or api.");
}

// `where` is "of PROJECT" or "of any project".
void JudgeAccess(Access access, absl::string_view where, Response& response) {
  if (access == v1::CatalogRepository::ACCESS_UNSPECIFIED) return;
  const auto judge = [](bool may, Response::Verdict verdict) {
    if (verdict == Response::NO) return verdict;  // the scopes say so
    return may ? Response::YES : Response::NO;
  };
  const bool may_write = access != v1::CatalogRepository::READ;
  const bool may_manage = access == v1::CatalogRepository::ADMIN;
  response.set_can_set_statuses(judge(may_write, response.can_set_statuses()));
  response.set_can_manage_webhooks(
      judge(may_manage, response.can_manage_webhooks()));
  if (!may_write) {
    response.add_problems(absl::StrCat(
        "The user is not a Developer ", where,
        ", which setting statuses takes: give it that role there."));
  }
  if (!may_manage) {
    response.add_problems(absl::StrCat(
        "The user is not a Maintainer ", where,
        ", which managing webhooks takes: give it that role there."));
  }
}

asio::awaitable<absl::Status> JudgeProject(ForgeCall& call,
                                           Response& response) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const absl::optional<Access> access,
      co_await Ask<Access>(call, ProjectPath(call), &ReadAccess));
  if (access) {
    JudgeAccess(*access, absl::StrCat("of ", call.repository()), response);
  } else {
    response.add_problems(
        absl::StrCat("The token sees no project ", call.repository(),
                     ": make its user a member, or mend the address."));
  }
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> JudgeAccount(ForgeCall& call,
                                           Response& response) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const absl::optional<Access> access,
                                  co_await HighestAccess(call));
  response.set_can_list_repositories(access ? Response::YES : Response::NO);
  if (access) JudgeAccess(*access, "of any project", response);
  co_return absl::OkStatus();
}

}  // namespace

asio::awaitable<absl::StatusOr<Response>> CheckCredential(ForgeCall& call) {
  Response response;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const absl::optional<Token> token,
      co_await Ask<Token>(call, "/personal_access_tokens/self", &ReadToken));
  if (token) {
    for (const std::string& scope : token->scopes) response.add_scopes(scope);
    if (token->expires_at) {
      *response.mutable_expires_at() = ToProto(*token->expires_at);
    }
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const absl::optional<std::string> login,
      co_await Ask<std::string>(call, "/user", &ReadLogin));
  response.set_login(login.value_or(""));
  if (token) response.set_kind(std::string(KindOf(response.login())));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const absl::optional<std::string> version,
      co_await Ask<std::string>(call, "/version", &ReadVersion));
  response.set_forge_version(version.value_or(""));
  JudgeScopes(response);
  const absl::Status judged = call.repository().empty()
                                  ? co_await JudgeAccount(call, response)
                                  : co_await JudgeProject(call, response);
  LAMPLIGHTER_CO_RETURN_IF_ERROR(judged);
  co_return response;
}

}  // namespace lamplighter::provider::gitlab
