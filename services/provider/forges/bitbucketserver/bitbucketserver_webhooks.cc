#include "services/provider/forges/bitbucketserver/bitbucketserver_webhooks.h"

#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/bitbucket_json.h"
#include "services/provider/forges/bitbucketserver/bitbucketserver_api.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

constexpr absl::string_view kEvents[] = {"repo:refs_changed",   "pr:opened",
                                         "pr:from_ref_updated", "pr:merged",
                                         "pr:declined",         "pr:deleted"};

// Newer servers show no secret, older ones the secret itself.
bool ShowsAnotherSecret(element value, const std::string& secret) {
  const std::string shown = StringAtPointer(value, "/configuration/secret");
  return shown.find_first_not_of('*') != std::string::npos && shown != secret;
}

absl::StatusOr<ForgeWebhook> ReadWebhook(element value,
                                         const WantedWebhook& wanted) {
  ForgeWebhook webhook;
  webhook.id = IdAt(value, "id");
  webhook.url = StringAt(value, "url");
  if (webhook.id.empty() || webhook.url.empty()) return UnreadableAnswer();
  webhook.difference = WebhookDifference(value, kEvents);
  bool verifies = true;
  if (!value["sslVerificationRequired"].get(verifies) && !verifies) {
    AddDifference(webhook.difference, "does not verify certificates");
  }
  if (ShowsAnotherSecret(value, wanted.secret)) {
    AddDifference(webhook.difference, "has another secret");
  }
  return webhook;
}

absl::StatusOr<std::string> ReadWebhookId(element webhook) {
  std::string id = IdAt(webhook, "id");
  if (id.empty()) return UnreadableAnswer();
  return id;
}

std::string WebhookBody(const WantedWebhook& wanted) {
  boost::json::object body = WebhookObject(wanted.url, kEvents);
  body["name"] = "Lamplighter";
  body["configuration"] = boost::json::object{{"secret", wanted.secret}};
  body["sslVerificationRequired"] = true;
  return boost::json::serialize(body);
}

std::string WebhookUrl(const BitbucketServerApi& api, absl::string_view id) {
  return api.RepositoryUrl(absl::StrCat("/webhooks/", PercentEncode(id)));
}

}  // namespace

std::vector<std::string> BitbucketServerWebhookEvents() {
  return {std::begin(kEvents), std::end(kEvents)};
}

asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>>
ListBitbucketServerWebhooks(ForgeCall& call, WantedWebhook wanted) {
  BitbucketServerApi api(call);
  std::vector<ForgeWebhook> webhooks;
  const auto read = [&](element value) -> absl::Status {
    const std::string scope = StringAt(value, "scopeType");
    if (!scope.empty() && scope != "repository") return absl::OkStatus();
    LAMPLIGHTER_ASSIGN_OR_RETURN(ForgeWebhook webhook,
                                 ReadWebhook(value, wanted));
    webhooks.push_back(std::move(webhook));
    return absl::OkStatus();
  };
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const bool are_all,
      co_await api.ReadAll(api.RepositoryUrl("/webhooks"), read));
  if (!are_all) co_return UnreadableAnswer();
  co_return webhooks;
}

asio::awaitable<absl::StatusOr<std::string>> WriteBitbucketServerWebhook(
    ForgeCall& call, WantedWebhook wanted, std::string id) {
  BitbucketServerApi api(call);
  const bool is_new = id.empty();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::string body,
      co_await api.Do(
          is_new ? "POST" : "PUT",
          is_new ? api.RepositoryUrl("/webhooks") : WebhookUrl(api, id),
          WebhookBody(wanted)));
  co_return ReadObject<std::string>(body, &ReadWebhookId);
}

asio::awaitable<absl::Status> DeleteBitbucketServerWebhook(ForgeCall& call,
                                                           std::string id) {
  BitbucketServerApi api(call);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await api.Send("DELETE", WebhookUrl(api, id)));
  if (answer.status / 100 == 2 || answer.status == 404) {
    co_return absl::OkStatus();
  }
  co_return api.Error(answer);
}

}  // namespace lamplighter::provider
