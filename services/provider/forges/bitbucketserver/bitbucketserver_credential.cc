#include "services/provider/forges/bitbucketserver/bitbucketserver_credential.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"
#include "services/provider/forges/bitbucketserver/bitbucketserver_api.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using Response = v1::CheckCredentialResponse;

Response::Verdict VerdictOf(bool is_allowed) {
  return is_allowed ? Response::YES : Response::NO;
}

class Check {
 public:
  explicit Check(ForgeCall& call) : call_(call), api_(call) {}

  asio::awaitable<absl::StatusOr<Response>> Run() {
    const bool has_token = !call_.access().credential.token.empty();
    response_.set_kind(has_token ? "HTTP access token" : "user and password");
    // Answered to everybody.
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const std::string properties,
        co_await Ask(api_.Url("/application-properties")));
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    if (parser.parse(properties).get(root)) co_return UnreadableAnswer();
    response_.set_forge_version(call_.Quote(StringAt(root, "version")));
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const bool reads_any,
                                    co_await SeesAny("REPO_READ"));
    response_.set_can_list_repositories(Response::YES);
    if (call_.repository().empty()) {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const bool administers_any,
                                      co_await SeesAny("REPO_ADMIN"));
      Judge("any repository", reads_any, administers_any);
    } else {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const bool reads,
                                      co_await MayRead(api_.RepositoryUrl("")));
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          const bool administers,
          co_await MayRead(api_.RepositoryUrl("/webhooks")));
      Judge(call_.repository(), reads, administers);
    }
    co_return std::move(response_);
  }

 private:
  // The body of a success; notes whom the forge answers.
  asio::awaitable<absl::StatusOr<std::string>> Ask(std::string url) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(HttpResult answer,
                                    co_await api_.Send("GET", std::move(url)));
    if (answer.status / 100 != 2) co_return api_.Error(answer);
    if (answer.headers.Find("X-AUSERNAME") == absl::string_view("anonymous")) {
      co_return absl::UnauthenticatedError(
          "the forge takes the credential for nobody's");
    }
    const std::string user = UserOf(answer.headers);
    if (!user.empty()) response_.set_login(call_.Quote(user));
    co_return std::move(answer.body);
  }

  // Whether there is any repository with that permission.
  asio::awaitable<absl::StatusOr<bool>> SeesAny(std::string permission) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const std::string body,
        co_await Ask(api_.Url(
            absl::StrCat("/repos?permission=", permission, "&limit=1"))));
    size_t count = 0;
    const auto read = [&](simdjson::dom::element /*value*/) {
      ++count;
      return absl::OkStatus();
    };
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        BitbucketServerApi::ReadPage(body, 0, read).status());
    co_return count > 0;
  }

  // Whether the forge shows it to the credential.
  asio::awaitable<absl::StatusOr<bool>> MayRead(std::string url) {
    const absl::StatusOr<std::string> body = co_await Ask(std::move(url));
    if (body.ok()) co_return true;
    const bool is_refused = absl::IsPermissionDenied(body.status()) ||
                            absl::IsUnauthenticated(body.status()) ||
                            absl::IsNotFound(body.status());
    if (!is_refused) co_return body.status();
    co_return false;
  }

  // To read is enough for builds; webhooks are the administrators'.
  void Judge(const std::string& what, bool reads, bool administers) {
    response_.set_can_set_statuses(VerdictOf(reads));
    response_.set_can_manage_webhooks(VerdictOf(administers));
    if (!reads) {
      response_.add_problems(absl::StrCat(
          "It does not see ", what,
          ": give its user, or the token, at least the permission to read."));
    }
    if (!administers) {
      response_.add_problems(absl::StrCat(
          "It may not manage webhooks of ", what,
          ": give its user, and the token, the repository permission admin."));
    }
  }

  ForgeCall& call_;
  BitbucketServerApi api_;
  Response response_;
};

}  // namespace

asio::awaitable<absl::StatusOr<Response>> CheckBitbucketServerCredential(
    ForgeCall& call) {
  Check check(call);
  co_return co_await check.Run();
}

}  // namespace lamplighter::provider
