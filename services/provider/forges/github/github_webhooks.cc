#include "services/provider/forges/github/github_webhooks.h"

#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/forges/paging.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// What ingest understands of what a repository's webhook can send.
constexpr const char* kEvents[] = {"push", "pull_request", "repository"};
// GitHub takes no more than 20 of an event.
constexpr int kMaxPages = 20;

std::string HooksPath(const ForgeCall& call) {
  return absl::StrCat(RepositoryPath(call), "/hooks");
}

// GitHub says that there is no such thing to who may not know of it.
absl::Status Explain(const ForgeCall& call, const absl::Status& error) {
  if (!absl::IsNotFound(error)) return error;
  return absl::NotFoundError(absl::StrCat(
      error.message(), ": repository ", call.repository(),
      " is not there, or the credential may not manage its webhooks: it takes "
      "an administrator's token with admin:repo_hook or Webhooks: write"));
}

void CompareEvents(element hook, std::vector<std::string>& differences) {
  std::vector<std::string> shown;
  simdjson::dom::array list;
  if (!hook["events"].get(list)) {
    for (const element event : list) {
      std::string_view name;
      if (!event.get(name)) shown.emplace_back(name);
    }
  }
  for (const char* event : kEvents) {
    if (absl::c_linear_search(shown, event)) continue;
    differences.push_back(absl::StrCat("does not send ", event));
  }
  for (const std::string& event : shown) {
    if (absl::c_linear_search(kEvents, event)) continue;
    differences.push_back(absl::StrCat("sends ", event));
  }
}

// "0" or 0.
bool IsInsecure(element config) {
  const std::string text = StringAt(config, "insecure_ssl");
  const std::string number = IdAt(config, "insecure_ssl");
  return text == "1" || number == "1";
}

// What of the hook is not as it should be. The secret reads as stars.
std::string DifferenceOf(element hook, element config) {
  std::vector<std::string> differences;
  if (!FlagAt(hook, "active")) differences.emplace_back("is not active");
  CompareEvents(hook, differences);
  if (StringAt(config, "content_type") != "json") {
    differences.emplace_back("does not send JSON");
  }
  if (IsInsecure(config)) {
    differences.emplace_back("does not verify TLS certificates");
  }
  if (StringAt(config, "secret").empty()) {
    differences.emplace_back("has no secret");
  }
  return absl::StrJoin(differences, ", ");
}

absl::Status ReadHooks(const ForgeCall& call, const std::string& body,
                       std::vector<ForgeWebhook>& hooks) {
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.parse(body).get(list)) return UnreadableAnswer();
  for (const element entry : list) {
    element config;
    ForgeWebhook hook;
    hook.id = IdAt(entry, "id");
    if (hook.id.empty() || entry["config"].get(config)) {
      return UnreadableAnswer();
    }
    hook.url = StringAt(config, "url");
    if (hook.url.empty()) continue;  // a service, which old servers still have
    hook.difference = call.Quote(DifferenceOf(entry, config));
    hooks.push_back(std::move(hook));
  }
  return absl::OkStatus();
}

std::string HookBody(const WantedWebhook& wanted, bool is_new) {
  boost::json::object body;
  if (is_new) body["name"] = "web";
  body["active"] = true;
  boost::json::array& events = body["events"].emplace_array();
  for (const char* event : kEvents) events.emplace_back(event);
  boost::json::object& config = body["config"].emplace_object();
  config["url"] = wanted.url;
  config["content_type"] = "json";
  config["secret"] = wanted.secret;
  config["insecure_ssl"] = "0";
  return boost::json::serialize(body);
}

}  // namespace

std::vector<std::string> GitHubWebhookEvents() {
  return {std::begin(kEvents), std::end(kEvents)};
}

asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListGitHubWebhooks(
    GitHubClient& client, ForgeCall& call) {
  std::vector<ForgeWebhook> hooks;
  for (int page = 1; page <= kMaxPages; ++page) {
    const absl::StatusOr<HttpResult> answer = co_await client.Send(
        call,
        {.path = absl::StrCat(HooksPath(call), "?per_page=100&page=", page)});
    if (!answer.ok()) co_return Explain(call, answer.status());
    LAMPLIGHTER_CO_RETURN_IF_ERROR(ReadHooks(call, answer->body, hooks));
    if (!HasNextPage(answer->headers)) co_return hooks;
  }
  co_return absl::FailedPreconditionError(
      "the repository has more webhooks than can be");
}

asio::awaitable<absl::StatusOr<std::string>> WriteGitHubWebhook(
    GitHubClient& client, ForgeCall& call, WantedWebhook wanted,
    std::string id) {
  call.AddSecret(wanted.secret);  // GitHub may quote what it refuses
  GitHubRequest request = {.path = HooksPath(call), .method = "POST"};
  if (!id.empty()) {
    absl::StrAppend(&request.path, "/", PercentEncode(id));
    request.method = "PATCH";
  }
  request.body = HookBody(wanted, id.empty());
  const absl::StatusOr<HttpResult> answer =
      co_await client.Send(call, std::move(request));
  if (!answer.ok()) co_return Explain(call, answer.status());
  co_return ParseCreated(answer->body);
}

asio::awaitable<absl::Status> DeleteGitHubWebhook(GitHubClient& client,
                                                  ForgeCall& call,
                                                  std::string id) {
  const absl::Status status =
      (co_await client.Send(
           call, {.path = absl::StrCat(HooksPath(call), "/", PercentEncode(id)),
                  .method = "DELETE"}))
          .status();
  co_return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

}  // namespace lamplighter::provider
