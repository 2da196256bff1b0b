#pragma once

#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "common/config/config_file.h"
#include "common/forge/forge_location.h"
#include "common/http/http_client.h"
#include "common/http/http_server.h"
#include "common/http/testing/loop_thread.h"
#include "common/manifests/objects.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/provider.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/account_worker.h"
#include "services/provider/connections.h"
#include "services/provider/forge_jobs.h"
#include "services/provider/status_worker.h"
#include "services/provider/testing/fake_manifests.h"
#include "tests/forges/scripted_forge.h"

namespace lamplighter::provider {

// The provider worker's calls to a scripted forge as they really go over the
// wire. Paths below are of the forge's addresses, "/org/repo".
class ProviderOnForge {
 public:
  static constexpr char kSha[] = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";
  static constexpr char kHook[] = "https://hooks.example.com/events/forge";
  static constexpr char kFormerHook[] = "https://old.example.com/events";

  // The Provider's, and the connection's which is called "account".
  struct Addresses {
    std::string repository;
    std::string account;
  };

  // `secret` is the credential; the webhooks' own is added. `clock` is the
  // worker's.
  ProviderOnForge(std::string type, ScriptedForge& forge,
                  const Addresses& paths,
                  std::map<std::string, std::string> secret,
                  ForgeJobs::Options options = {},
                  const Clock& clock = Clock::System())
      : type_(std::move(type)) {
    loop_.Do([&] {
      HttpServer::Options listen;
      listen.listen = "127.0.0.1:0";
      server_ =
          HttpServer::Create(listen, loop_.loop(), forge.Routes()).value();
      server_->Start();
      http_ = CurlHttpClient::Create({}, loop_.loop()).value();
    });
    Provider provider;
    provider.namespace_ = "apps";
    provider.name = "forge";
    provider.type = type_;
    provider.address = absl::StrCat(site(), paths.repository);
    provider.secret_ref = "credential";
    manifests_.Add(std::move(provider));
    SetSecret(secret);
    AddConnection(absl::StrCat(site(), paths.account), std::move(secret));
    jobs_ = ForgeJobs::Create(options, {manifests_, connections_}, *http_,
                              clock, metrics_)
                .value();
    statuses_ = std::make_unique<StatusWorker>(*jobs_);
    accounts_ = std::make_unique<AccountWorker>(*jobs_);
  }

  ~ProviderOnForge() {
    loop_.Do([&] {
      http_.reset();
      server_.reset();
    });
  }

  std::string host() const {
    return absl::StrCat("127.0.0.1:", server_->port());
  }
  std::string site() const { return absl::StrCat("http://", host()); }
  int port() const { return server_->port(); }
  LoopThread& loop() { return loop_; }
  ForgeJobs& jobs() { return *jobs_; }
  Metrics& metrics() { return metrics_; }

  // The Provider is at the same path of another server from now on.
  void Move(const std::string& site) {
    Provider provider = *manifests_.Current()->FindProvider("apps", "forge");
    provider.address =
        absl::StrCat(site, provider.address.substr(this->site().size()));
    manifests_.Add(std::move(provider));
  }

  // The Provider's credential from now on.
  void SetSecret(std::map<std::string, std::string> secret) {
    manifests_.Add(Secret{"apps", "credential", std::move(secret)});
  }

  absl::StatusOr<v1::SetCommitStatusResponse> Set(
      v1::CommitState state, const std::string& context = "kustomization/app",
      const std::string& description = "reconciliation succeeded",
      bool known_different = false) {
    v1::SetCommitStatusRequest request = Request(state, context, description);
    request.set_known_different(known_different);
    return loop_.Run(statuses_->Set(std::move(request), Deadline()));
  }

  // Begins to set so many statuses at once; `done` is called on the loop with
  // what became of each.
  void BeginSets(size_t count, absl::Duration limit,
                 std::function<void(const absl::Status&)> done) {
    loop_.Do([&] {
      for (size_t i = 0; i < count; ++i) {
        v1::SetCommitStatusRequest request =
            Request(v1::SUCCESS, absl::StrCat("context-", i), "");
        boost::asio::co_spawn(
            loop_.loop(),
            statuses_->Set(std::move(request), Clock::System().Now() + limit),
            [done](const std::exception_ptr&,
                   const absl::StatusOr<v1::SetCommitStatusResponse>& result) {
              done(result.status());
            });
      }
    });
  }

  absl::StatusOr<v1::ListCommitStatusesResponse> List() {
    v1::ListCommitStatusesRequest request;
    request.mutable_provider()->set_namespace_("apps");
    request.mutable_provider()->set_name("forge");
    request.set_sha(kSha);
    return loop_.Run(statuses_->List(std::move(request), Deadline()));
  }

  // Every page that came, and how it ended.
  struct Listing {
    std::vector<v1::ListRepositoriesResponse> pages;
    absl::Status status;

    size_t count() const {
      size_t count = 0;
      for (const auto& page : pages) count += page.repositories_size();
      return count;
    }
  };
  Listing ListRepositories(v1::ListRepositoriesRequest request = {}) {
    request.mutable_account()->set_connection("account");
    Listing listing;
    auto write = [&listing](v1::ListRepositoriesResponse page) {
      return Keep(listing, std::move(page));
    };
    listing.status = loop_.Run(
        accounts_->ListRepositories(std::move(request), write, Deadline()));
    return listing;
  }

  // `id` is canonical, as a listing tells it.
  absl::StatusOr<v1::GetRepositoryResponse> GetRepository(
      const std::string& id) {
    v1::GetRepositoryRequest request;
    request.mutable_account()->set_connection("account");
    request.set_repository_id(id);
    return loop_.Run(accounts_->GetRepository(std::move(request), Deadline()));
  }

  // `id` is below the forge's host: "org/repo".
  absl::StatusOr<v1::EnsureWebhooksResponse> EnsureWebhooks(
      const std::string& id, bool rewrite = false) {
    v1::EnsureWebhooksRequest request;
    request.set_connection("account");
    request.set_repository_id(absl::StrCat(host(), "/", id));
    request.set_rewrite(rewrite);
    return loop_.Run(accounts_->EnsureWebhooks(std::move(request), Deadline()));
  }

  absl::StatusOr<v1::RemoveWebhooksResponse> RemoveWebhooks(
      const std::string& id) {
    v1::RemoveWebhooksRequest request;
    request.set_connection("account");
    request.set_repository_id(absl::StrCat(host(), "/", id));
    return loop_.Run(accounts_->RemoveWebhooks(std::move(request), Deadline()));
  }

  absl::StatusOr<v1::CheckCredentialResponse> CheckCredential() {
    v1::CheckCredentialRequest request;
    request.mutable_account()->set_connection("account");
    return loop_.Run(
        accounts_->CheckCredential(std::move(request), Deadline()));
  }

  absl::StatusOr<v1::GetRateLimitsResponse> GetRateLimits() {
    v1::GetRateLimitsRequest request;
    request.mutable_account()->set_connection("account");
    return loop_.Run(accounts_->GetRateLimits(std::move(request), Deadline()));
  }

  // Of the Provider.
  std::string OwnId() {
    const auto manifests = manifests_.Current();
    const Provider* provider = manifests->FindProvider("apps", "forge");
    return RepositoryId(type_, provider->address).value();
  }

 private:
  v1::SetCommitStatusRequest Request(v1::CommitState state,
                                     const std::string& context,
                                     const std::string& description) {
    v1::SetCommitStatusRequest request;
    v1::StatusIntent& intent = *request.mutable_intent();
    intent.mutable_provider()->set_namespace_("apps");
    intent.mutable_provider()->set_name("forge");
    intent.set_repository_id(OwnId());
    intent.set_sha(kSha);
    intent.set_context(context);
    intent.set_state(state);
    intent.set_description(description);
    intent.set_target_url("https://example.com/app");
    return request;
  }

  static absl::Time Deadline() {
    return Clock::System().Now() + absl::Seconds(10);
  }

  static boost::asio::awaitable<absl::Status> Keep(
      Listing& listing, v1::ListRepositoriesResponse page) {
    listing.pages.push_back(std::move(page));
    co_return absl::OkStatus();
  }

  void AddConnection(const std::string& address,
                     std::map<std::string, std::string> secret) {
    secret["webhookSecret"] = "webhook-s3cret";
    secret["webhookBasicAuthUser"] = "hook-user";
    secret["webhookBasicAuthPass"] = "hook-passw0rd";
    config::v1::Provider config;
    config::v1::Connection& connection = *config.add_connections();
    connection.set_name("account");
    connection.set_type(type_);
    connection.set_address(address);
    connection.set_secret_directory(WriteFiles(secret));
    connection.set_webhook_url(kHook);
    connection.add_former_webhook_urls(kFormerHook);
    connections_ = Connections::Create(config.connections(), {}).value();
  }

  // A directory with a file each, below the test's own.
  static std::string WriteFiles(
      const std::map<std::string, std::string>& files);

  const std::string type_;
  LoopThread loop_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> http_;
  FakeManifests manifests_;
  Connections connections_;
  Metrics metrics_;
  std::unique_ptr<ForgeJobs> jobs_;
  std::unique_ptr<StatusWorker> statuses_;
  std::unique_ptr<AccountWorker> accounts_;
};

inline std::string ProviderOnForge::WriteFiles(
    const std::map<std::string, std::string>& files) {
  std::string directory = absl::StrCat(::testing::TempDir(), "/secret-XXXXXX");
  if (mkdtemp(directory.data()) == nullptr) return "";
  for (const auto& [name, value] : files) {
    std::ofstream(absl::StrCat(directory, "/", name)) << value;
  }
  return directory;
}

}  // namespace lamplighter::provider
