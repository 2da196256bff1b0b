#include "services/provider/forges/bitbucketserver/bitbucketserver.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/provider/forges/bitbucket_build.h"
#include "services/provider/forges/bitbucketserver/bitbucketserver_builds.h"
#include "services/provider/forges/bitbucketserver/bitbucketserver_credential.h"
#include "services/provider/forges/bitbucketserver/bitbucketserver_repositories.h"
#include "services/provider/forges/bitbucketserver/bitbucketserver_webhooks.h"
#include "services/provider/outgoing_text.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

class BitbucketServer final : public Forge {
 public:
  // The name is "kind/name [description]", as notification-controller has it.
  absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const override {
    LAMPLIGHTER_ASSIGN_OR_RETURN(ForgeStatus status, RenderBuild(intent));
    if (!intent.description().empty()) {
      absl::StrAppend(&status.name, " [", intent.description(), "]");
    }
    status.name = CutCharacters(status.name, kMaxBuildName);
    // A link that is cut leads nowhere.
    if (status.target_url.size() > kMaxBuildUrl) status.target_url.clear();
    return status;
  }

  v1::CommitState StateOf(absl::string_view forge_state) const override {
    return StateOfBuild(forge_state);
  }

  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    return FindBuild(call, std::move(sha), std::move(wanted));
  }

  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    return WriteBuild(call, std::move(sha), std::move(status));
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    return ListBuilds(call, std::move(sha));
  }

  asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
      ForgeCall& call, std::string page, std::string /*etag*/) override {
    return ListBitbucketServerRepositories(call, std::move(page));
  }

  asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
      ForgeCall& call) override {
    return GetBitbucketServerRepository(call);
  }

  std::vector<std::string> WebhookEvents() const override {
    return BitbucketServerWebhookEvents();
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
      ForgeCall& call, WantedWebhook wanted,
      std::vector<std::string> /*former_urls*/) override {
    return ListBitbucketServerWebhooks(call, std::move(wanted));
  }

  asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
      ForgeCall& call, WantedWebhook wanted, std::string /*kind*/,
      std::string id) override {
    return WriteBitbucketServerWebhook(call, std::move(wanted), std::move(id));
  }

  asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call,
                                              std::string id) override {
    return DeleteBitbucketServerWebhook(call, std::move(id));
  }

  asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>> CheckCredential(
      ForgeCall& call) override {
    return CheckBitbucketServerCredential(call);
  }
};

}  // namespace

std::unique_ptr<Forge> MakeBitbucketServer() {
  return std::make_unique<BitbucketServer>();
}

}  // namespace lamplighter::provider
