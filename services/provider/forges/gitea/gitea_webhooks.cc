#include "services/provider/forges/gitea/gitea_webhooks.h"

#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/gitea/gitea_client.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider::gitea {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

constexpr int kMaxPages = 20;  // of fifty webhooks each

// Branches that are deleted make no push.
constexpr const char* kEvents[] = {"push", "create", "delete", "pull_request"};
// What that last one stands for as far as we need it: commits pushed to a pull
// request are an event of their own.
constexpr const char* kShownEvents[] = {"push", "create", "delete",
                                        "pull_request", "pull_request_sync"};

absl::flat_hash_set<std::string> EventsOf(element hook) {
  absl::flat_hash_set<std::string> events;
  simdjson::dom::array array;
  if (hook["events"].get(array)) return events;
  for (const element event : array) {
    std::string_view name;
    if (!event.get(name)) events.emplace(name);
  }
  return events;
}

// Of what is wanted alone: a webhook may send more.
std::string Difference(element hook) {
  std::vector<std::string> differences;
  const std::string type = StringAt(hook, "type");
  if (type != "gitea" && type != "forgejo") {
    differences.push_back(absl::StrCat("is of type ", type));
  }
  if (!FlagAt(hook, "active")) differences.emplace_back("is not active");
  const absl::flat_hash_set<std::string> events = EventsOf(hook);
  for (const char* event : kShownEvents) {
    if (!events.contains(event)) {
      differences.push_back(absl::StrCat("does not send ", event));
    }
  }
  element config;
  if (hook["config"].get(config) ||
      StringAt(config, "content_type") != "json") {
    differences.emplace_back("does not send JSON");
  }
  const std::string filter = StringAt(hook, "branch_filter");
  if (!filter.empty() && filter != "*") {
    differences.emplace_back("sends some branches only");
  }
  return absl::StrJoin(differences, ", ");
}

absl::StatusOr<ForgeWebhook> ReadHook(element hook) {
  ForgeWebhook webhook;
  webhook.id = IdAt(hook, "id");
  element config;
  if (webhook.id.empty() || hook["config"].get(config)) {
    return UnreadableAnswer();
  }
  webhook.url = StringAt(config, "url");
  webhook.difference = Difference(hook);
  return webhook;
}

// Gitea makes webhooks that are not active and send pushes alone unless told.
std::string Body(const WantedWebhook& wanted) {
  boost::json::object body;
  body["type"] = "gitea";
  body["active"] = true;
  boost::json::array& events = body["events"].emplace_array();
  for (const char* event : kEvents) events.emplace_back(event);
  body["branch_filter"] = "*";
  boost::json::object& config = body["config"].emplace_object();
  config["url"] = wanted.url;
  config["content_type"] = "json";
  config["secret"] = wanted.secret;
  return boost::json::serialize(body);
}

std::string HooksPath(const ForgeCall& call) {
  return absl::StrCat(RepositoryPath(call), "/hooks");
}

}  // namespace

std::vector<std::string> WebhookEvents() {
  return {std::begin(kEvents), std::end(kEvents)};
}

// This list never has a Link header, and the server clamps its pages.
asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
    ForgeCall& call) {
  std::vector<ForgeWebhook> webhooks;
  for (int page = 1; page <= kMaxPages; ++page) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Request(call, "GET",
                         absl::StrCat(HooksPath(call), "?limit=50&page=", page),
                         ""));
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        std::vector<ForgeWebhook> list,
        ReadList<ForgeWebhook>(answer.body, &ReadHook));
    for (ForgeWebhook& webhook : list) webhooks.push_back(std::move(webhook));
    const auto total = NumberHeader(answer.headers, "x-total-count");
    const bool has_all =
        total && *total <= static_cast<int64_t>(webhooks.size());
    if (list.empty() || has_all) co_return webhooks;
  }
  co_return absl::FailedPreconditionError(
      "the repository has more webhooks than can be read");
}

asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(ForgeCall& call,
                                                          WantedWebhook wanted,
                                                          std::string id) {
  call.AddSecret(wanted.secret);  // an error may quote what was sent
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Request(call, "POST", HooksPath(call), Body(wanted)));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const ForgeWebhook created,
      ReadObject<ForgeWebhook>(answer.body, &ReadHook));
  if (!created.difference.empty()) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await DeleteWebhook(call, created.id));
    co_return absl::FailedPreconditionError(
        absl::StrCat("the webhook that the forge made ", created.difference));
  }
  if (!id.empty()) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await DeleteWebhook(call, id));
  }
  co_return created.id;
}

asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call, std::string id) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Send(call, "DELETE",
                    absl::StrCat(HooksPath(call), "/", PercentEncode(id)), ""));
  if (answer.status / 100 == 2 || answer.status == 404) {
    co_return absl::OkStatus();
  }
  co_return StatusFromError(call, answer);
}

}  // namespace lamplighter::provider::gitea
