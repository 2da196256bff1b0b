#include "services/provider/forges/github/github.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/provider/forges/github/github_client.h"
#include "services/provider/forges/github/github_credential.h"
#include "services/provider/forges/github/github_deliveries.h"
#include "services/provider/forges/github/github_repositories.h"
#include "services/provider/forges/github/github_webhooks.h"
#include "services/provider/forges/github/status_page_cache.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/paging.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// GitHub refuses more.
constexpr size_t kMaxDescription = 140;

class GitHub final : public Forge {
 public:
  absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const override {
    return RenderLikeGitHub(intent, kMaxDescription);
  }

  v1::CommitState StateOf(absl::string_view forge_state) const override {
    return StateLikeGitHub(forge_state);
  }

  // Contexts ignore case.
  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    co_return co_await FindOnPages(
        [&](int page) { return Page(call, sha, page); },
        [&](const ForgeStatus& status) {
          return absl::EqualsIgnoreCase(status.context, wanted.context);
        });
  }

  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await client_.Send(call, {.path = absl::StrCat(RepositoryPath(call),
                                                          "/statuses/", sha),
                                     .method = "POST",
                                     .body = StatusBody(status)}));
    co_return ParseCreated(answer.body);
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    co_return co_await ListOnPages(
        [&](int page) { return Page(call, sha, page); });
  }

  asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
      ForgeCall& call, std::string page, std::string etag) override {
    co_return co_await ListGitHubRepositories(client_, call, std::move(page),
                                              std::move(etag));
  }

  asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
      ForgeCall& call) override {
    co_return co_await GetGitHubRepository(client_, call);
  }

  std::vector<std::string> WebhookEvents() const override {
    return GitHubWebhookEvents();
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
      ForgeCall& call, WantedWebhook /*wanted*/,
      std::vector<std::string> /*former_urls*/) override {
    co_return co_await ListGitHubWebhooks(client_, call);
  }

  asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
      ForgeCall& call, WantedWebhook wanted, std::string /*kind*/,
      std::string id) override {
    co_return co_await WriteGitHubWebhook(client_, call, std::move(wanted),
                                          std::move(id));
  }

  asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call,
                                              std::string id) override {
    co_return co_await DeleteGitHubWebhook(client_, call, std::move(id));
  }

  bool Redelivers() const override { return true; }

  asio::awaitable<absl::StatusOr<std::string>> FindAccountWebhook(
      ForgeCall& call, std::string url) override {
    co_return co_await FindGitHubAccountWebhook(client_, call, std::move(url));
  }

  asio::awaitable<absl::StatusOr<DeliveryPage>> ListDeliveries(
      ForgeCall& call, std::string webhook, std::string page) override {
    co_return co_await ListGitHubDeliveries(client_, call, std::move(webhook),
                                            std::move(page));
  }

  asio::awaitable<absl::Status> Redeliver(ForgeCall& call, std::string webhook,
                                          int64_t delivery) override {
    co_return co_await RedeliverOnGitHub(client_, call, std::move(webhook),
                                         delivery);
  }

  asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>> CheckCredential(
      ForgeCall& call) override {
    co_return co_await CheckGitHubCredential(client_, call);
  }

  asio::awaitable<absl::StatusOr<absl::optional<ForgeRateLimit>>> ReadQuota(
      ForgeCall& call) override {
    co_return co_await ReadGitHubQuota(client_, call);
  }

 private:
  // Of the combined status: it has the newest of each context, where the list
  // of statuses has a commit's whole history. What is kept belongs to the
  // credential by its name, as its token changes by the hour.
  asio::awaitable<absl::StatusOr<StatusPage>> Page(ForgeCall& call,
                                                   std::string sha, int page) {
    GitHubRequest request = {.path =
                                 absl::StrCat(RepositoryPath(call), "/commits/",
                                              sha, "/status?per_page=100")};
    if (page > 1) absl::StrAppend(&request.path, "&page=", page);
    const std::string key = absl::StrCat(call.access().credential_name, " ",
                                         GitHubApi(call), request.path);
    const std::shared_ptr<const StatusPageCache::Entry> known =
        pages_.Find(key);
    if (known != nullptr) request.etag = known->etag;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await client_.Send(call, std::move(request)));
    if (answer.status == 304) co_return known->page;
    StatusPage result;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(result.statuses,
                                    ParseCombinedStatus(answer.body, "state"));
    result.is_last = !HasNextPage(answer.headers);
    if (const auto etag = answer.headers.Find("etag")) {
      pages_.Keep(key, {std::string(*etag), result});
    }
    co_return result;
  }

  GitHubClient client_;
  StatusPageCache pages_;
};

}  // namespace

std::unique_ptr<Forge> MakeGitHub() { return std::make_unique<GitHub>(); }

}  // namespace lamplighter::provider
