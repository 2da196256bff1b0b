#include "services/provider/forges/gitea/gitea.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/provider/forges/github_api.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// Gitea takes any length and shows all of it on one line of the page; this is
// what fits, and what other forges allow.
constexpr size_t kMaxDescription = 255;

class Gitea final : public Forge {
 public:
  absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const override {
    return RenderLikeGitHub(intent, kMaxDescription);
  }

  v1::CommitState StateOf(absl::string_view forge_state) const override {
    return StateLikeGitHub(forge_state);
  }

  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    co_return co_await FindOnPages(
        [&](int page) { return Page(call, sha, page); },
        [&](const ForgeStatus& status) {
          return status.context == wanted.context;
        });
  }

  // An unknown commit is a 500, as is every failure of Gitea's own, and only
  // administrators are told which; asking for the commit tells them apart.
  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Send(call, "POST", absl::StrCat("/statuses/", sha),
                      StatusBody(status)));
    if (answer.status / 100 == 2) co_return ParseCreated(answer.body);
    if (answer.status == 500) {
      const auto commit =
          co_await Send(call, "GET", absl::StrCat("/git/commits/", sha), "");
      if (commit.ok() && commit->status == 404) {
        co_return absl::NotFoundError("the forge has no such commit");
      }
    }
    co_return Error(call, answer);
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    co_return co_await ListOnPages(
        [&](int page) { return Page(call, sha, page); });
  }

 private:
  // Of the combined status, which has the newest of each context by id; the
  // list of statuses is in no order within a second. It has no Link header, and
  // the server may cut pages shorter than asked: only an empty one is the last.
  asio::awaitable<absl::StatusOr<StatusPage>> Page(ForgeCall& call,
                                                   std::string sha, int page) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Send(
            call, "GET",
            absl::StrCat("/commits/", sha, "/status?limit=50&page=", page),
            ""));
    if (answer.status / 100 != 2) co_return Error(call, answer);
    StatusPage result;
    if (!answer.body.empty()) {  // old ones answer so where there is none
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          result.statuses, ParseCombinedStatus(answer.body, "status"));
    }
    result.is_last = result.statuses.empty();
    co_return result;
  }

  static absl::Status Error(const ForgeCall& call, const HttpResult& answer) {
    return StatusFromAnswer(answer, call.Quote(ErrorMessage(answer.body)),
                            call.Now());
  }

  // `path` is below the repository.
  static asio::awaitable<absl::StatusOr<HttpResult>> Send(ForgeCall& call,
                                                          std::string method,
                                                          std::string path,
                                                          std::string body) {
    const ForgeCall::Target& target = call.target();
    const std::string& token = target.access.credential.TokenOrPassword();
    if (token.empty()) {
      co_return absl::UnauthenticatedError(absl::StrCat(
          "secret ", target.access.credential_name, " holds no token"));
    }
    const OwnerAndRepository where = SplitRepository(target.address);
    HttpCall request;
    request.method = std::move(method);
    request.url =
        absl::StrCat(target.address.scheme, "://", target.address.host,
                     where.prefix, "/api/v1/repos/", where.repository, path);
    request.headers.Add("Accept", "application/json");
    request.headers.Add("Authorization", absl::StrCat("token ", token));
    if (!body.empty()) request.headers.Add("Content-Type", "application/json");
    request.body = std::move(body);
    const char* operation = request.method == "GET" ? "read" : "write";
    co_return co_await call.Send(operation, std::move(request));
  }
};

}  // namespace

std::unique_ptr<Forge> MakeGitea() { return std::make_unique<Gitea>(); }

}  // namespace lamplighter::provider
