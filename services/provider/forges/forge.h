#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider {

// A status in a forge's own words.
struct ForgeStatus {
  std::string context;
  std::string state;
  std::string description;
  std::string target_url;
  // What people see in place of the context; empty where they see that.
  std::string name;
  // The rest is the forge's to say.
  std::string id;
  absl::optional<absl::Time> updated_at;
  // What `context` begins with, before a slash, where a forge keeps it apart.
  std::string genre;
};

// True if setting `wanted` would change nothing about `shown`.
inline bool ShowsTheSame(const ForgeStatus& shown, const ForgeStatus& wanted) {
  return shown.state == wanted.state &&
         shown.description == wanted.description &&
         shown.target_url == wanted.target_url && shown.name == wanted.name;
}

// A page of an account's repositories, as the forge gives it.
struct RepositoryPage {
  std::vector<v1::CatalogRepository> repositories;
  std::string next;           // token of the page after it; empty on the last
  std::string etag;           // empty where the forge has none
  bool not_modified = false;  // the page is as it was at the etag asked with
  int64_t total = 0;          // in all pages; 0 where the forge does not tell
};

// What webhooks shall be like.
struct WantedWebhook {
  std::string url;
  std::string secret;  // that deliveries are signed with
  // In place of that on forges that do not sign.
  std::string username;
  std::string password;
};

// A webhook as a forge shows it.
struct ForgeWebhook {
  std::string id;
  std::string url;
  std::string kind;  // one of Forge::WebhookKinds()
  // How it is not as wanted, for people ("is not active"); empty where it is,
  // as far as the forge shows: it never shows secrets.
  std::string difference;
};

// An attempt of a forge's to deliver an event to a webhook.
struct WebhookDelivery {
  int64_t id = 0;    // larger for later attempts
  std::string guid;  // the same for all attempts to deliver one event
  bool has_failed = false;
};

// A page of them, the newest first.
struct DeliveryPage {
  std::vector<WebhookDelivery> deliveries;
  std::string next;  // as of RepositoryPage
};

// A type of forge: what its API calls things. One per type and process, for all
// Providers and connections of it; on the loop only. It sees texts that have
// been cleaned and masked, and never decides whether to write: SetStatus() and
// EnsureWebhooks() do, for all.
//
// Errors are those of ProviderService, RESOURCE_EXHAUSTED always with
// RetryInfo; what the forge said in them went through ForgeCall::Quote().
class Forge {
 public:
  virtual ~Forge() = default;

  // What the forge will show for `intent`: its word for the state, texts cut to
  // its limits, so that it can be compared with what it shows. InvalidArgument
  // where it can show no such thing.
  virtual absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const = 0;

  // What a state that the forge shows means to us.
  virtual v1::CommitState StateOf(absl::string_view forge_state) const = 0;

  // The newest status of `wanted`'s context on the commit, if there is any.
  virtual boost::asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>>
  Find(ForgeCall& call, std::string sha, ForgeStatus wanted) = 0;

  // Sets it and returns the forge's own id of it, which may be empty.
  // DeadlineExceeded where that is not known to have worked or failed;
  // AlreadyExists where the forge refuses it because it shows as much already.
  virtual boost::asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) = 0;

  // The newest status of each context on the commit.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) = 0;

  // A page of what the account of the call's location reaches: the first where
  // `page` is empty, else that of an earlier page's `next`. Tokens come back
  // from callers: whatever one says, it leads to a page of this list or is
  // InvalidArgument. `etag` is of the same page's earlier state; may be empty.
  // An answer that is no list is an error, never an empty page. Of a repository
  // that is listed several times the first counts.
  virtual boost::asio::awaitable<absl::StatusOr<RepositoryPage>>
  ListRepositories(ForgeCall& call, std::string page, std::string etag) = 0;

  // The call's repository, as a page of them would tell of it; by its new name
  // where the forge leads on to that. NotFound where it is not there, or the
  // credential does not see it.
  virtual boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>>
  GetRepository(ForgeCall& call) = 0;

  // What webhooks as wanted send, in the forge's words.
  virtual std::vector<std::string> WebhookEvents() const = 0;

  // What a repository needs a webhook each for; one without a name where one
  // does for all.
  virtual std::vector<std::string> WebhookKinds() const { return {""}; }

  // All webhooks of the call's repository that might be ours: those with other
  // URLs may be left out only if they are neither `wanted`'s nor one of
  // `former_urls`.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>>
  ListWebhooks(ForgeCall& call, WantedWebhook wanted,
               std::vector<std::string> former_urls) = 0;

  // Creates one as wanted (`id` is empty) or makes that with the id so, secret
  // included, and returns its id. AlreadyExists where somebody else has just
  // created one with that URL and the forge takes no second; FailedPrecondition
  // where it takes no more at all.
  virtual boost::asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
      ForgeCall& call, WantedWebhook wanted, std::string kind,
      std::string id) = 0;

  // Takes it off. One that is not there is no error.
  virtual boost::asio::awaitable<absl::Status> DeleteWebhook(
      ForgeCall& call, std::string id) = 0;

  // True if the forge remembers its deliveries and makes them again: whether
  // the next three are there.
  virtual bool Redelivers() const { return false; }

  // The webhook by which all that the account reaches leads to `url`; empty
  // where there is none such, or the credential may not see it.
  virtual boost::asio::awaitable<absl::StatusOr<std::string>>
  FindAccountWebhook(ForgeCall& /*call*/, std::string /*url*/) {
    co_return std::string();
  }

  // A page of the deliveries that may still be made again, of the account's
  // webhook or of that with this id of the call's repository. `page` is empty
  // for the first, or an earlier page's `next`.
  virtual boost::asio::awaitable<absl::StatusOr<DeliveryPage>> ListDeliveries(
      ForgeCall& /*call*/, std::string /*webhook*/, std::string /*page*/) {
    co_return absl::UnimplementedError("the forge remembers no deliveries");
  }

  // Has one made again, which may still be under way then. FailedPrecondition
  // where the forge makes no more for this webhook for now.
  virtual boost::asio::awaitable<absl::Status> Redeliver(
      ForgeCall& /*call*/, std::string /*webhook*/, int64_t /*delivery*/) {
    co_return absl::UnimplementedError("the forge makes no delivery again");
  }

  // Whom the credential is and what it may do, as far as can be told without
  // changing anything. A credential that the forge refuses is an error.
  virtual boost::asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>>
  CheckCredential(ForgeCall& call) = 0;

  // The credential's quota, asked for where that costs none of it; none
  // elsewhere, and where there is no limit.
  virtual boost::asio::awaitable<absl::StatusOr<absl::optional<ForgeRateLimit>>>
  ReadQuota(ForgeCall& /*call*/) {
    co_return absl::nullopt;
  }
};

}  // namespace lamplighter::provider
