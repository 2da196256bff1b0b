#include "services/provider/forges/azuredevops/azuredevops.h"

#include <string>
#include <utility>
#include <vector>

#include "services/provider/forges/azuredevops/azuredevops_credential.h"
#include "services/provider/forges/azuredevops/azuredevops_repositories.h"
#include "services/provider/forges/azuredevops/azuredevops_statuses.h"
#include "services/provider/forges/azuredevops/azuredevops_webhooks.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

class AzureDevOps final : public Forge {
 public:
  absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const override {
    return azuredevops::RenderStatus(intent);
  }

  v1::CommitState StateOf(absl::string_view forge_state) const override {
    return azuredevops::StateOf(forge_state);
  }

  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    return azuredevops::FindStatus(call, std::move(sha), std::move(wanted));
  }

  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    return azuredevops::WriteStatus(call, std::move(sha), std::move(status));
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    return azuredevops::ListStatuses(call, std::move(sha));
  }

  // Without ETags: the forge has none.
  asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
      ForgeCall& call, std::string page, std::string /*etag*/) override {
    return azuredevops::ListRepositories(call, std::move(page));
  }

  asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
      ForgeCall& call) override {
    return azuredevops::GetRepository(call);
  }

  std::vector<std::string> WebhookEvents() const override {
    return azuredevops::WebhookKinds();
  }

  std::vector<std::string> WebhookKinds() const override {
    return azuredevops::WebhookKinds();
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
      ForgeCall& call, WantedWebhook wanted,
      std::vector<std::string> former_urls) override {
    return azuredevops::ListWebhooks(call, std::move(wanted),
                                     std::move(former_urls));
  }

  asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
      ForgeCall& call, WantedWebhook wanted, std::string kind,
      std::string id) override {
    return azuredevops::WriteWebhook(call, std::move(wanted), std::move(kind),
                                     std::move(id));
  }

  asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call,
                                              std::string id) override {
    return azuredevops::DeleteWebhook(call, std::move(id));
  }

  asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>> CheckCredential(
      ForgeCall& call) override {
    return azuredevops::CheckCredential(call);
  }
};

}  // namespace

std::unique_ptr<Forge> MakeAzureDevOps() {
  return std::make_unique<AzureDevOps>();
}

}  // namespace lamplighter::provider
