#include "services/provider/forges/gitea/gitea.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/provider/forges/gitea/gitea_client.h"
#include "services/provider/forges/gitea/gitea_credential.h"
#include "services/provider/forges/gitea/gitea_repositories.h"
#include "services/provider/forges/gitea/gitea_webhooks.h"
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
        co_await gitea::Send(
            call, "POST",
            absl::StrCat(gitea::RepositoryPath(call), "/statuses/", sha),
            StatusBody(status)));
    if (answer.status / 100 == 2) co_return ParseCreated(answer.body);
    if (answer.status == 500) {
      const auto commit = co_await gitea::Send(
          call, "GET",
          absl::StrCat(gitea::RepositoryPath(call), "/git/commits/", sha), "");
      if (commit.ok() && commit->status == 404) {
        co_return absl::NotFoundError("the forge has no such commit");
      }
    }
    co_return gitea::StatusFromError(call, answer);
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    co_return co_await ListOnPages(
        [&](int page) { return Page(call, sha, page); });
  }

  asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
      ForgeCall& call, std::string page, std::string /*etag*/) override {
    co_return co_await gitea::ListRepositories(call, std::move(page));
  }

  asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
      ForgeCall& call) override {
    co_return co_await gitea::GetRepository(call);
  }

  std::vector<std::string> WebhookEvents() const override {
    return gitea::WebhookEvents();
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
      ForgeCall& call, WantedWebhook /*wanted*/,
      std::vector<std::string> /*former_urls*/) override {
    co_return co_await gitea::ListWebhooks(call);
  }

  asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
      ForgeCall& call, WantedWebhook wanted, std::string /*kind*/,
      std::string id) override {
    co_return co_await gitea::WriteWebhook(call, std::move(wanted),
                                           std::move(id));
  }

  asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call,
                                              std::string id) override {
    co_return co_await gitea::DeleteWebhook(call, std::move(id));
  }

  asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>> CheckCredential(
      ForgeCall& call) override {
    co_return co_await gitea::CheckCredential(call);
  }

 private:
  // Of the combined status, which has the newest of each context by id; the
  // list of statuses is in no order within a second. It has no Link header, and
  // the server may cut pages shorter than asked: only an empty one is the last.
  asio::awaitable<absl::StatusOr<StatusPage>> Page(ForgeCall& call,
                                                   std::string sha, int page) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await gitea::Request(
            call, "GET",
            absl::StrCat(gitea::RepositoryPath(call), "/commits/", sha,
                         "/status?limit=50&page=", page),
            ""));
    StatusPage result;
    if (!answer.body.empty()) {  // old ones answer so where there is none
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          result.statuses, ParseCombinedStatus(answer.body, "status"));
    }
    result.is_last = result.statuses.empty();
    co_return result;
  }
};

}  // namespace

std::unique_ptr<Forge> MakeGitea() { return std::make_unique<Gitea>(); }

}  // namespace lamplighter::provider
