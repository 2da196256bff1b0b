#include "services/provider/forges/azuredevops/azuredevops_webhooks.h"

#include <any>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/azuredevops/azuredevops_client.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider::azuredevops {
namespace {

namespace asio = ::boost::asio;
namespace json = ::boost::json;
using ::simdjson::dom::element;

constexpr char kPath[] = "/_apis/hooks/subscriptions";
constexpr char kPublisher[] = "tfs";
constexpr char kConsumer[] = "webHooks";
constexpr char kAction[] = "httpRequest";
constexpr char kResourceVersion[] = "1.0";  // of the events' bodies
constexpr char kEnabled[] = "enabled";

constexpr char kPullRequestUpdated[] = "git.pullrequest.updated";
// Of the updates of a pull request, those of its source branch. Deliveries do
// not say which update they are about.
constexpr char kPushNotification[] = "PushNotification";

// What subscriptions name a repository by: they take no names.
struct RepositoryIds {
  std::string project;
  std::string repository;
};

// What the subscriptions' own right is, and who has to have it, the forge does
// not say.
absl::Status Explain(const absl::Status& status) {
  if (!absl::IsPermissionDenied(status)) return status;
  return absl::PermissionDeniedError(absl::StrCat(
      status.message(),
      " (the token's owner needs the permissions View subscriptions and Edit "
      "subscriptions of the project)"));
}

asio::awaitable<absl::StatusOr<HttpResult>> SendHook(ForgeCall& call,
                                                     std::string method,
                                                     std::string path,
                                                     json::object body) {
  Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  if (!body.empty()) request.body = json::serialize(body);
  absl::StatusOr<HttpResult> answer = co_await Send(call, std::move(request));
  if (!answer.ok()) co_return Explain(answer.status());
  co_return answer;
}

absl::StatusOr<RepositoryIds> ReadIds(element repository) {
  RepositoryIds ids = {.project = StringAtPointer(repository, "/project/id"),
                       .repository = StringAt(repository, "id")};
  if (IsGuid(ids.project) && IsGuid(ids.repository)) return ids;
  return UnreadableAnswer();
}

// Asks once an operation: all of its subscriptions are of one repository.
asio::awaitable<absl::StatusOr<RepositoryIds>> FindIds(ForgeCall& call) {
  if (const auto* known = std::any_cast<RepositoryIds>(&call.memo())) {
    co_return *known;
  }
  Request request;
  request.path = RepositoryPath(call);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                  co_await Send(call, std::move(request)));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const RepositoryIds ids,
      ReadObject<RepositoryIds>(answer.body, &ReadIds));
  call.memo() = ids;
  co_return ids;
}

// Both conditions would do alone. It is not documented whether one of them has
// to be met or all, so that the answer may have more than was asked for.
json::object Query(const RepositoryIds& ids) {
  const auto equals = [](const char* input, const std::string& value) {
    return json::object{
        {"inputId", input}, {"operator", "equals"}, {"inputValue", value}};
  };
  const json::array conditions = {equals("projectId", ids.project),
                                  equals("repository", ids.repository)};
  return {{"publisherId", kPublisher},
          {"consumerId", kConsumer},
          {"publisherInputFilters",
           json::array{json::object{{"conditions", conditions}}}}};
}

// Every input is text, switches too.
json::object Subscription(const RepositoryIds& ids, const WantedWebhook& wanted,
                          const std::string& kind, const std::string& id) {
  json::object filters = {{"projectId", ids.project},
                          {"repository", ids.repository},
                          {"branch", ""}};
  if (kind == kPullRequestUpdated) {
    filters["notificationType"] = kPushNotification;
  }
  json::object subscription = {
      {"publisherId", kPublisher},
      {"eventType", kind},
      {"resourceVersion", kResourceVersion},
      {"consumerId", kConsumer},
      {"consumerActionId", kAction},
      {"publisherInputs", std::move(filters)},
      {"consumerInputs", json::object{{"url", wanted.url},
                                      {"basicAuthUsername", wanted.username},
                                      {"basicAuthPassword", wanted.password},
                                      {"resourceDetailsToSend", "all"},
                                      {"messagesToSend", "none"},
                                      {"detailedMessagesToSend", "none"},
                                      {"acceptUntrustedCerts", "false"}}}};
  if (!id.empty()) {
    subscription["id"] = id;
    subscription["status"] = kEnabled;
  }
  return subscription;
}

// What narrows `kind` down to less than what is wanted. Filters that are not
// set are empty or not there; those of projects and of the forge itself narrow
// nothing.
void AddFilters(const ForgeCall& call, const std::string& kind, element inputs,
                std::vector<std::string>& differences) {
  const std::string wanted_type =
      kind == kPullRequestUpdated ? kPushNotification : "";
  if (StringAt(inputs, "notificationType") != wanted_type) {
    differences.push_back("is for other updates than pushes");
  }
  simdjson::dom::object fields;
  if (inputs.get(fields)) return;
  for (const auto field : fields) {
    static constexpr std::initializer_list<std::string_view> kNoFilters = {
        "projectId", "repository", "notificationType", "tfsSubscriptionId"};
    std::string_view value;
    if (absl::c_linear_search(kNoFilters, field.key)) continue;
    if (field.value.get(value) || value.empty()) continue;
    differences.push_back(absl::StrCat(
        "is filtered by ",
        call.Quote(absl::string_view(field.key.data(), field.key.size()))));
  }
}

std::string Difference(const ForgeCall& call, const WantedWebhook& wanted,
                       const std::string& kind, element subscription,
                       element publisher, element consumer) {
  std::vector<std::string> differences;
  if (const std::string status = StringAt(subscription, "status");
      status != kEnabled) {
    differences.push_back(absl::StrCat("is ", call.Quote(status)));
  }
  if (StringAt(subscription, "consumerActionId") != kAction) {
    differences.push_back("makes no HTTP request");
  }
  if (StringAt(subscription, "resourceVersion") != kResourceVersion) {
    differences.push_back(
        absl::StrCat("has events of another version than ", kResourceVersion));
  }
  AddFilters(call, kind, publisher, differences);
  if (StringAt(consumer, "basicAuthUsername") != wanted.username) {
    differences.push_back("has another user");
  }
  if (StringAt(consumer, "basicAuthPassword").empty()) {
    differences.push_back("has no password");
  }
  const std::string details = StringAt(consumer, "resourceDetailsToSend");
  if (!details.empty() && !absl::EqualsIgnoreCase(details, "all")) {
    differences.push_back("sends too few details");
  }
  if (absl::EqualsIgnoreCase(StringAt(consumer, "acceptUntrustedCerts"),
                             "true")) {
    differences.push_back("accepts untrusted certificates");
  }
  return absl::StrJoin(differences, ", ");
}

// One of the repository's that leads to `urls`; none where it is another's.
absl::StatusOr<absl::optional<ForgeWebhook>> ReadSubscription(
    const ForgeCall& call, const RepositoryIds& ids,
    const WantedWebhook& wanted, const std::vector<std::string>& urls,
    element subscription) {
  ForgeWebhook webhook;
  webhook.id = StringAt(subscription, "id");
  webhook.kind = StringAt(subscription, "eventType");
  element publisher;
  element consumer;
  if (!IsGuid(webhook.id) || webhook.kind.empty() ||
      subscription["publisherInputs"].get(publisher) ||
      subscription["consumerInputs"].get(consumer)) {
    return UnreadableAnswer();
  }
  webhook.url = StringAt(consumer, "url");
  const bool is_ours =
      StringAt(subscription, "consumerId") == kConsumer &&
      absl::EqualsIgnoreCase(StringAt(publisher, "projectId"), ids.project) &&
      absl::EqualsIgnoreCase(StringAt(publisher, "repository"),
                             ids.repository) &&
      absl::c_linear_search(urls, webhook.url);
  if (!is_ours) return absl::nullopt;
  webhook.difference =
      Difference(call, wanted, webhook.kind, subscription, publisher, consumer);
  return webhook;
}

struct Written {
  std::string id;
  bool is_disabled = false;
};

absl::StatusOr<Written> ReadWritten(element subscription) {
  Written written = {.id = StringAt(subscription, "id"),
                     .is_disabled = absl::StartsWith(
                         StringAt(subscription, "status"), "disabled")};
  if (!IsGuid(written.id)) return UnreadableAnswer();
  return written;
}

}  // namespace

std::vector<std::string> WebhookKinds() {
  return {"git.push", "git.pullrequest.created", kPullRequestUpdated};
}

asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
    ForgeCall& call, WantedWebhook wanted,
    std::vector<std::string> former_urls) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const RepositoryIds ids,
                                  co_await FindIds(call));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await SendHook(call, "POST", absl::StrCat(kPath, "query"),
                        Query(ids)));
  simdjson::dom::parser parser;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const simdjson::dom::array list,
                                  ParseList(parser, answer.body, "results"));
  std::vector<std::string> urls = std::move(former_urls);
  urls.push_back(wanted.url);
  std::vector<ForgeWebhook> webhooks;
  for (const element entry : list) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        absl::optional<ForgeWebhook> webhook,
        ReadSubscription(call, ids, wanted, urls, entry));
    if (webhook) webhooks.push_back(*std::move(webhook));
  }
  // The first of each kind is kept, and all others taken off: whoever does so
  // at the same time keeps the same.
  absl::c_sort(webhooks, [](const ForgeWebhook& a, const ForgeWebhook& b) {
    return std::make_pair(!a.difference.empty(), absl::string_view(a.id)) <
           std::make_pair(!b.difference.empty(), absl::string_view(b.id));
  });
  co_return webhooks;
}

asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(ForgeCall& call,
                                                          WantedWebhook wanted,
                                                          std::string kind,
                                                          std::string id) {
  call.AddSecret(wanted.password);  // an error may quote what was sent
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const RepositoryIds ids,
                                  co_await FindIds(call));
  const std::string path =
      id.empty() ? kPath : absl::StrCat(kPath, "/", PercentEncode(id));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await SendHook(call, id.empty() ? "POST" : "PUT", path,
                        Subscription(ids, wanted, kind, id)));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      Written written, ReadObject<Written>(answer.body, &ReadWritten));
  if (id.empty() || !written.is_disabled) co_return std::move(written.id);
  // One whose owner has left stays disabled whoever writes it.
  absl::StatusOr<std::string> created =
      co_await WriteWebhook(call, std::move(wanted), std::move(kind), "");
  if (!created.ok()) co_return created.status();
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await DeleteWebhook(call, id));
  co_return created;
}

asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call, std::string id) {
  const auto answer = co_await SendHook(
      call, "DELETE", absl::StrCat(kPath, "/", PercentEncode(id)), {});
  if (absl::IsNotFound(answer.status())) co_return absl::OkStatus();
  co_return answer.status();
}

}  // namespace lamplighter::provider::azuredevops
