#include "services/provider/forges/bitbucket/bitbucket_webhooks.h"

#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/bitbucket/bitbucket_api.h"
#include "services/provider/forges/bitbucket_json.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// A repository takes no more.
constexpr size_t kMaxWebhooks = 50;
constexpr absl::string_view kEvents[] = {
    "repo:push", "pullrequest:created", "pullrequest:updated",
    "pullrequest:fulfilled", "pullrequest:rejected"};

absl::StatusOr<ForgeWebhook> ReadWebhook(element value) {
  ForgeWebhook webhook;
  webhook.id = StringAt(value, "uuid");
  webhook.url = StringAt(value, "url");
  if (webhook.id.empty() || webhook.url.empty()) return UnreadableAnswer();
  webhook.difference = WebhookDifference(value, kEvents);
  bool has_secret = true;
  if (!value["secret_set"].get(has_secret) && !has_secret) {
    AddDifference(webhook.difference, "has no secret");
  }
  return webhook;
}

absl::StatusOr<std::string> ReadWebhookId(element webhook) {
  std::string id = StringAt(webhook, "uuid");
  if (id.empty()) return UnreadableAnswer();
  return id;
}

std::string WebhookBody(const WantedWebhook& wanted) {
  boost::json::object body = WebhookObject(wanted.url, kEvents);
  body["description"] = "Lamplighter";
  body["secret"] = wanted.secret;
  return boost::json::serialize(body);
}

// The ids have braces.
std::string WebhookUrl(const BitbucketApi& api, absl::string_view id) {
  return api.RepositoryUrl(absl::StrCat("/hooks/", PercentEncode(id)));
}

// Bitbucket does not say in a way to be relied upon that it takes no more; that
// they are there does.
asio::awaitable<absl::Status> ExplainRefusal(ForgeCall& call,
                                             absl::Status status) {
  const absl::StatusOr<std::vector<ForgeWebhook>> shown =
      co_await ListBitbucketWebhooks(call);
  if (!shown.ok() || shown->size() < kMaxWebhooks) co_return status;
  co_return absl::FailedPreconditionError(absl::StrCat(
      "the repository has ", shown->size(),
      " webhooks, and Bitbucket takes no more: ", status.message()));
}

}  // namespace

std::vector<std::string> BitbucketWebhookEvents() {
  return {std::begin(kEvents), std::end(kEvents)};
}

asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>>
ListBitbucketWebhooks(ForgeCall& call) {
  BitbucketApi api(call);
  std::vector<ForgeWebhook> webhooks;
  const auto read = [&](element value) -> absl::Status {
    LAMPLIGHTER_ASSIGN_OR_RETURN(ForgeWebhook webhook, ReadWebhook(value));
    webhooks.push_back(std::move(webhook));
    return absl::OkStatus();
  };
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const bool are_all,
      co_await api.ReadAll(api.RepositoryUrl("/hooks?pagelen=100"), read));
  if (!are_all) co_return UnreadableAnswer();
  co_return webhooks;
}

asio::awaitable<absl::StatusOr<std::string>> WriteBitbucketWebhook(
    ForgeCall& call, WantedWebhook wanted, std::string id) {
  BitbucketApi api(call);
  const bool is_new = id.empty();
  const absl::StatusOr<std::string> body = co_await api.Do(
      is_new ? "POST" : "PUT",
      is_new ? api.RepositoryUrl("/hooks") : WebhookUrl(api, id),
      WebhookBody(wanted));
  if (is_new && absl::IsInvalidArgument(body.status())) {
    co_return co_await ExplainRefusal(call, body.status());
  }
  if (!body.ok()) co_return body.status();
  co_return ReadObject<std::string>(*body, &ReadWebhookId);
}

asio::awaitable<absl::Status> DeleteBitbucketWebhook(ForgeCall& call,
                                                     std::string id) {
  BitbucketApi api(call);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await api.Send("DELETE", WebhookUrl(api, id)));
  if (answer.status / 100 == 2 || answer.status == 404) {
    co_return absl::OkStatus();
  }
  co_return api.Error(answer);
}

}  // namespace lamplighter::provider
