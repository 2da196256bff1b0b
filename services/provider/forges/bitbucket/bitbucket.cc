#include "services/provider/forges/bitbucket/bitbucket.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/bitbucket/bitbucket_api.h"
#include "services/provider/forges/bitbucket/bitbucket_credential.h"
#include "services/provider/forges/bitbucket/bitbucket_repositories.h"
#include "services/provider/forges/bitbucket/bitbucket_webhooks.h"
#include "services/provider/forges/bitbucket_build.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/outgoing_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// A status must have a URL. notification-controller's, where there is none.
constexpr char kNoTarget[] = "https://bitbucket.org";

// Every status has a key: what has none is a gateway's page.
absl::StatusOr<ForgeStatus> ReadStatus(element object) {
  ForgeStatus status;
  status.context = StringAt(object, "key");
  if (status.context.empty()) return UnreadableAnswer();
  status.state = StringAt(object, "state");
  status.description = StringAt(object, "description");
  status.target_url = StringAt(object, "url");
  status.name = StringAt(object, "name");
  status.id = StringAt(object, "uuid");
  status.updated_at = TimeAt(object, "updated_on");
  return status;
}

std::string StatusBody(const ForgeStatus& status) {
  boost::json::object body;
  body["key"] = status.context;
  body["url"] = status.target_url;
  body["state"] = status.state;
  body["name"] = status.name;
  body["description"] = status.description;
  return boost::json::serialize(body);
}

class Bitbucket final : public Forge {
 public:
  absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const override {
    LAMPLIGHTER_ASSIGN_OR_RETURN(ForgeStatus status, RenderBuild(intent));
    status.name = CutCharacters(status.name, kMaxBuildName);
    // Bitbucket puts values in place of {names} in a URL.
    status.target_url = status.target_url.empty()
                            ? kNoTarget
                            : absl::StrReplaceAll(status.target_url,
                                                  {{"{", "%7B"}, {"}", "%7D"}});
    return status;
  }

  v1::CommitState StateOf(absl::string_view forge_state) const override {
    return StateOfBuild(forge_state);
  }

  // A 404 is none, too, if it is the repository or the commit that is not
  // there: writing will tell.
  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    BitbucketApi api(call);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await api.Send(
            "GET", CommitUrl(api, sha, "/statuses/build/", wanted.context)));
    if (answer.status == 404) co_return absl::nullopt;
    if (answer.status / 100 != 2) co_return api.Error(answer);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        ForgeStatus shown, ReadObject<ForgeStatus>(answer.body, &ReadStatus));
    if (shown.context != wanted.context) co_return absl::nullopt;
    co_return std::move(shown);
  }

  // In place of the one with its key, if there is any.
  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    BitbucketApi api(call);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const std::string body,
        co_await api.Do("POST", CommitUrl(api, sha, "/statuses/build"),
                        StatusBody(status)));
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(ForgeStatus written,
                                    ReadObject<ForgeStatus>(body, &ReadStatus));
    co_return std::move(written.id);
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    BitbucketApi api(call);
    NewestBuilds newest;
    const auto read = [&](element value) -> absl::Status {
      LAMPLIGHTER_ASSIGN_OR_RETURN(ForgeStatus status, ReadStatus(value));
      newest.Add(std::move(status));
      return absl::OkStatus();
    };
    // What is beyond so many pages is left out.
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        (co_await api.ReadAll(CommitUrl(api, sha, "/statuses?pagelen=100"),
                              read))
            .status());
    co_return newest.Take();
  }

  asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
      ForgeCall& call, std::string page, std::string /*etag*/) override {
    return ListBitbucketRepositories(call, std::move(page));
  }

  asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
      ForgeCall& call) override {
    return GetBitbucketRepository(call);
  }

  std::vector<std::string> WebhookEvents() const override {
    return BitbucketWebhookEvents();
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
      ForgeCall& call, WantedWebhook /*wanted*/,
      std::vector<std::string> /*former_urls*/) override {
    return ListBitbucketWebhooks(call);
  }

  asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
      ForgeCall& call, WantedWebhook wanted, std::string /*kind*/,
      std::string id) override {
    return WriteBitbucketWebhook(call, std::move(wanted), std::move(id));
  }

  asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call,
                                              std::string id) override {
    return DeleteBitbucketWebhook(call, std::move(id));
  }

  asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>> CheckCredential(
      ForgeCall& call) override {
    return CheckBitbucketCredential(call);
  }

 private:
  // Of what is below a commit.
  static std::string CommitUrl(const BitbucketApi& api, absl::string_view sha,
                               absl::string_view path,
                               absl::string_view key = "") {
    return api.RepositoryUrl(absl::StrCat("/commit/", sha, path, key));
  }
};

}  // namespace

std::unique_ptr<Forge> MakeBitbucket() { return std::make_unique<Bitbucket>(); }

}  // namespace lamplighter::provider
