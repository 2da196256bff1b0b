#include "services/provider/forges/bitbucket/bitbucket_credential.h"

#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"
#include "services/provider/forges/bitbucket/bitbucket_api.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using Response = v1::CheckCredentialResponse;

// The forge knows no such thing for this credential, in one way or another.
bool IsRefusal(const HttpResult& answer) {
  return answer.status == 401 || answer.status == 403 || answer.status == 404;
}

class Check {
 public:
  explicit Check(ForgeCall& call) : call_(call), api_(call) {}

  asio::awaitable<absl::StatusOr<Response>> Run() {
    // Needs a scope of its own, which nothing else that we do needs.
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult user,
                                    co_await Ask("/user"));
    ReadUser(user);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult list,
                                    co_await Ask(ListPath()));
    bool is_known = IsOk(user) || IsOk(list);
    JudgeList(list);
    if (!call_.repository().empty()) {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          const HttpResult repository,
          co_await Ask(
              absl::StrCat("/repositories/", EscapePaths(call_.repository()))));
      JudgeRepository(repository);
      is_known = is_known || IsOk(repository);
    }
    // An access token that /user is not for is answered so, too.
    if (!is_known && user.status == 401) co_return api_.Error(user);
    JudgeScopes();
    if (response_.kind().empty()) response_.set_kind(Kind());
    co_return std::move(response_);
  }

 private:
  static bool IsOk(const HttpResult& answer) {
    return answer.status / 100 == 2;
  }

  // A success or a refusal; other answers are errors.
  asio::awaitable<absl::StatusOr<HttpResult>> Ask(std::string path) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(HttpResult answer,
                                    co_await api_.Send("GET", api_.Url(path)));
    if (!IsOk(answer) && !IsRefusal(answer)) co_return api_.Error(answer);
    ReadHeaders(answer);
    co_return answer;
  }

  std::string ListPath() const {
    const std::string& workspace = call_.target().location.account;
    return workspace.empty()
               ? "/user/workspaces?pagelen=1"
               : absl::StrCat("/repositories/", PercentEncode(workspace),
                              "?pagelen=1");
  }

  // x-oauth-scopes: repository:write, webhook
  // x-credential-type: repo_access_token
  void ReadHeaders(const HttpResult& answer) {
    if (const auto type = answer.headers.Find("X-Credential-Type")) {
      response_.set_kind(call_.Quote(*type));
    }
    const auto scopes = answer.headers.Find("X-OAuth-Scopes");
    if (!scopes || response_.scopes_size() > 0) return;
    for (const absl::string_view scope :
         absl::StrSplit(*scopes, absl::ByAnyChar(", "), absl::SkipEmpty())) {
      response_.add_scopes(call_.Quote(scope));
    }
  }

  void ReadUser(const HttpResult& answer) {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    if (!IsOk(answer) || parser.parse(answer.body).get(root)) return;
    for (const char* key : {"username", "nickname", "display_name"}) {
      response_.set_login(call_.Quote(StringAt(root, key)));
      if (!response_.login().empty()) return;
    }
  }

  std::string Kind() const {
    if (api_.HasAccessToken()) return "access token";
    return absl::StrContains(api_.User(), '@') ? "API token" : "app password";
  }

  void JudgeList(const HttpResult& answer) {
    response_.set_can_list_repositories(IsOk(answer) ? Response::YES
                                                     : Response::NO);
    if (IsOk(answer)) return;
    const std::string& workspace = call_.target().location.account;
    AddProblem(
        workspace.empty()
            ? (api_.HasAccessToken()
                   ? "It may not list workspaces, as no access token may: give "
                     "the workspace in the address, "
                     "https://bitbucket.org/WORKSPACE."
                   : "It may not list workspaces: make one with the scopes "
                     "read:workspace:bitbucket and read:user:bitbucket, or "
                     "give the workspace in the address.")
            : absl::StrCat("It may not list the repositories of ", workspace,
                           ": make one with the scope "
                           "read:repository:bitbucket, of a user who is a "
                           "member, or of that workspace."));
  }

  void JudgeRepository(const HttpResult& answer) {
    if (IsOk(answer)) return;
    response_.set_can_set_statuses(Response::NO);
    response_.set_can_manage_webhooks(Response::NO);
    AddProblem(absl::StrCat("It does not see the repository ",
                            call_.repository(),
                            ": give it write access to that."));
  }

  bool Has(absl::string_view scope) const {
    return absl::c_linear_search(response_.scopes(), scope);
  }

  // A scope is half of it: the user needs the right, too.
  void JudgeScopes() {
    if (response_.scopes_size() == 0) return;
    if (!Has("repository:write") && !Has("write:repository:bitbucket")) {
      response_.set_can_set_statuses(Response::NO);
      AddProblem(
          "It may not set statuses: make one with the scope "
          "write:repository:bitbucket (repository:write of access tokens).");
    } else if (response_.can_set_statuses() == Response::VERDICT_UNSPECIFIED) {
      response_.set_can_set_statuses(Response::YES);
    }
    const bool has_hooks = Has("webhook") || (Has("read:webhook:bitbucket") &&
                                              Has("write:webhook:bitbucket") &&
                                              Has("delete:webhook:bitbucket"));
    if (!has_hooks) {
      response_.set_can_manage_webhooks(Response::NO);
      AddProblem(
          "It may not manage webhooks: make one with the scopes read:, write: "
          "and delete:webhook:bitbucket (webhook of access tokens).");
    } else if (response_.can_manage_webhooks() ==
               Response::VERDICT_UNSPECIFIED) {
      response_.set_can_manage_webhooks(Response::YES);
    }
  }

  void AddProblem(std::string problem) {
    response_.add_problems(std::move(problem));
  }

  ForgeCall& call_;
  BitbucketApi api_;
  Response response_;
};

}  // namespace

asio::awaitable<absl::StatusOr<Response>> CheckBitbucketCredential(
    ForgeCall& call) {
  Check check(call);
  co_return co_await check.Run();
}

}  // namespace lamplighter::provider
