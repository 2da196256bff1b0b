#include "services/provider/account_worker.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "common/forge/forge_location.h"
#include "common/status/macros.h"
#include "services/provider/connections.h"
#include "services/provider/ensure_webhooks.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

constexpr int kMaxKnownPages = 20'000;
// Of ten repositories at least, on every forge.
constexpr size_t kMaxPages = 200'000;
constexpr size_t kMaxPageToken = 4096;

absl::StatusOr<absl::flat_hash_map<std::string, v1::KnownPage>> ByToken(
    const v1::ListRepositoriesRequest& request) {
  if (request.known_pages_size() > kMaxKnownPages) {
    return absl::InvalidArgumentError(
        absl::StrCat("known_pages: must not be more than ", kMaxKnownPages));
  }
  absl::flat_hash_map<std::string, v1::KnownPage> pages;
  for (const v1::KnownPage& page : request.known_pages()) {
    pages[page.page_token()] = page;
  }
  return pages;
}

// What keeping a connection's webhooks on one of its repositories takes.
struct WebhookJob {
  WantedWebhook wanted;
  std::vector<std::string> former_urls;
  ForgeJob job;
};

// `Request` names it by one of two fields.
template <typename Request>
absl::StatusOr<v1::Account> AccountOf(const Request& request) {
  if (request.connection().empty() == request.sealed_connection().empty()) {
    return absl::InvalidArgumentError(
        "connection: must be there, or sealed_connection in its place, and not "
        "both");
  }
  v1::Account account;
  if (request.sealed_connection().empty()) {
    account.set_connection(request.connection());
  } else {
    account.set_sealed_connection(request.sealed_connection());
  }
  return account;
}

asio::awaitable<absl::StatusOr<WebhookJob>> BeginWebhooks(
    ForgeJobs& jobs, absl::StatusOr<v1::Account> account,
    std::string repository_id, Caller caller) {
  if (!account.ok()) co_return account.status();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Connection connection,
                                  jobs.ConnectionOf(*account));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(WantedWebhook wanted,
                                  WantedWebhookOf(connection));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      ForgeJob job,
      co_await jobs.OnRepository(connection, std::move(repository_id), caller));
  co_return WebhookJob{std::move(wanted),
                       std::move(connection.former_webhook_urls),
                       std::move(job)};
}

// That the account still reaches what the forge led on to.
absl::Status CheckIsReached(const Connection& connection,
                            const v1::CatalogRepository& repository) {
  const auto location =
      LocateInAccount(connection.location, repository.repository_id());
  if (location.ok()) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat(
      "the repository is ", repository.repository_id(),
      " now, which is not of connection ", connection.provider.name));
}

}  // namespace

asio::awaitable<absl::Status> AccountWorker::ListRepositories(
    v1::ListRepositoriesRequest request, WritePage write, Caller caller) {
  if (request.page_token().size() > kMaxPageToken) {
    co_return absl::InvalidArgumentError("page_token: is too long");
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const auto known, ByToken(request));
  std::string token = request.page_token();
  absl::flat_hash_set<size_t> seen;
  for (size_t i = 0; i < kMaxPages; ++i) {
    // A forge that leads in circles would never end, and never be complete.
    if (!seen.insert(absl::HashOf(token)).second) {
      co_return absl::UnavailableError(
          "the forge's list of repositories leads back to a page before");
    }
    v1::KnownPage page;
    if (const auto it = known.find(token); it != known.end()) page = it->second;
    page.set_page_token(token);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        v1::ListRepositoriesResponse response,
        co_await ReadPage(request.account(), std::move(page),
                          request.use_reserve(), caller));
    token = response.next_page_token();
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await write(std::move(response)));
    if (token.empty()) co_return absl::OkStatus();
  }
  co_return absl::UnavailableError(absl::StrCat(
      "the forge's list of repositories has more than ", kMaxPages, " pages"));
}

asio::awaitable<absl::StatusOr<v1::ListRepositoriesResponse>>
AccountWorker::ReadPage(v1::Account account, v1::KnownPage known,
                        bool use_reserve, Caller caller) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      ForgeJob job, co_await jobs_.OnAccount(std::move(account), caller));
  if (!use_reserve) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(jobs_.CheckReserve(job));
  }
  absl::StatusOr<RepositoryPage> page = co_await job.forge->ListRepositories(
      job.call, known.page_token(), known.etag());
  jobs_.Finish(job, page.status());
  if (!page.ok()) co_return page.status();
  v1::ListRepositoriesResponse response;
  response.set_page_token(known.page_token());
  response.set_not_modified(page->not_modified);
  // What has not changed is not told again.
  response.set_next_page_token(page->not_modified ? known.next_page_token()
                                                  : std::move(page->next));
  response.set_etag(page->not_modified ? known.etag() : std::move(page->etag));
  response.set_total(page->total);
  for (v1::CatalogRepository& repository : page->repositories) {
    *response.add_repositories() = std::move(repository);
  }
  if (const auto& limit = job.call.rate_limit()) {
    *response.mutable_rate_limit() = ToProto(*limit);
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::GetRepositoryResponse>>
AccountWorker::GetRepository(v1::GetRepositoryRequest request, Caller caller) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      ForgeJob job, co_await jobs_.OnRepository(
                        request.account(), request.repository_id(), caller));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(jobs_.CheckReserve(job));
  absl::StatusOr<v1::CatalogRepository> repository =
      co_await job.forge->GetRepository(job.call);
  jobs_.Finish(job, repository.status());
  if (!repository.ok()) co_return repository.status();
  if (!request.account().has_provider()) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Connection connection,
                                    jobs_.ConnectionOf(request.account()));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(CheckIsReached(connection, *repository));
  }
  v1::GetRepositoryResponse response;
  *response.mutable_repository() = *std::move(repository);
  if (const auto& limit = job.call.rate_limit()) {
    *response.mutable_rate_limit() = ToProto(*limit);
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::ListConnectionsResponse>>
AccountWorker::ListConnections(v1::ListConnectionsRequest /*request*/,
                               Caller /*caller*/) {
  v1::ListConnectionsResponse response;
  for (v1::ConnectionInfo& info : jobs_.DescribeConnections()) {
    *response.add_connections() = std::move(info);
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::EnsureWebhooksResponse>>
AccountWorker::EnsureWebhooks(v1::EnsureWebhooksRequest request,
                              Caller caller) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      WebhookJob work, co_await BeginWebhooks(jobs_, AccountOf(request),
                                              request.repository_id(), caller));
  absl::StatusOr<std::vector<v1::Webhook>> webhooks =
      co_await provider::EnsureWebhooks(
          *work.job.forge, work.job.call, std::move(work.wanted),
          std::move(work.former_urls), request.rewrite());
  jobs_.Finish(work.job, webhooks.status());
  if (!webhooks.ok()) co_return webhooks.status();
  v1::EnsureWebhooksResponse response;
  for (v1::Webhook& webhook : *webhooks) {
    *response.add_webhooks() = std::move(webhook);
  }
  if (const auto& limit = work.job.call.rate_limit()) {
    *response.mutable_rate_limit() = ToProto(*limit);
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::RemoveWebhooksResponse>>
AccountWorker::RemoveWebhooks(v1::RemoveWebhooksRequest request,
                              Caller caller) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      WebhookJob work, co_await BeginWebhooks(jobs_, AccountOf(request),
                                              request.repository_id(), caller));
  absl::StatusOr<std::vector<v1::Webhook>> webhooks =
      co_await provider::RemoveWebhooks(*work.job.forge, work.job.call,
                                        std::move(work.wanted),
                                        std::move(work.former_urls));
  jobs_.Finish(work.job, webhooks.status());
  if (!webhooks.ok()) co_return webhooks.status();
  v1::RemoveWebhooksResponse response;
  for (v1::Webhook& webhook : *webhooks) {
    *response.add_webhooks() = std::move(webhook);
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>>
AccountWorker::CheckCredential(v1::CheckCredentialRequest request,
                               Caller caller) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      ForgeJob job, co_await jobs_.OnAccount(request.account(), caller));
  absl::StatusOr<v1::CheckCredentialResponse> response =
      co_await job.forge->CheckCredential(job.call);
  jobs_.Finish(job, response.status());
  if (response.ok() && !request.account().has_provider()) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Connection connection,
                                    jobs_.ConnectionOf(request.account()));
    *response->mutable_connection() = Describe(connection, *job.forge);
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::GetRateLimitsResponse>>
AccountWorker::GetRateLimits(v1::GetRateLimitsRequest request, Caller caller) {
  // A credential that is limited may still be asked about.
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::GetRateLimitsResponse known,
                                  jobs_.KnownLimits(request.account()));
  if (known.has_limited_until()) co_return known;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      ForgeJob job, co_await jobs_.OnAccount(request.account(), caller));
  const absl::StatusOr<absl::optional<ForgeRateLimit>> quota =
      co_await job.forge->ReadQuota(job.call);
  if (quota.ok() && quota->has_value()) job.call.set_rate_limit(**quota);
  jobs_.Finish(job, quota.status());
  if (!quota.ok()) co_return quota.status();
  co_return jobs_.KnownLimits(request.account());
}

}  // namespace lamplighter::provider
