#include "services/provider/forges/github/github_deliveries.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/status/macros.h"
#include "services/provider/forges/github/github_app.h"
#include "services/provider/forges/github/github_request.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/forges/paging.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// GitHub makes none again that is older.
constexpr absl::Duration kWindow = absl::Hours(72);
constexpr char kAppHook[] = "/app/hook";

std::string HookPath(const ForgeCall& call, const std::string& webhook) {
  if (absl::StartsWith(webhook, "/")) return webhook;
  return absl::StrCat(RepositoryPath(call), "/hooks/", PercentEncode(webhook));
}

// Of its own webhook only the App itself may ask.
asio::awaitable<absl::StatusOr<HttpResult>> Send(GitHubClient& client,
                                                 ForgeCall& call,
                                                 GitHubRequest request) {
  if (absl::StartsWith(request.path, kAppHook)) {
    co_return co_await SendAsApp(call, std::move(request));
  }
  co_return co_await client.Send(call, std::move(request));
}

// What there is not, or is not for us to see.
bool IsHidden(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsPermissionDenied(status);
}

asio::awaitable<absl::StatusOr<bool>> IsAppHook(ForgeCall& call,
                                                std::string url) {
  const absl::StatusOr<HttpResult> answer =
      co_await SendAsApp(call, {.path = absl::StrCat(kAppHook, "/config")});
  if (IsHidden(answer.status())) co_return false;
  if (!answer.ok()) co_return answer.status();
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(answer->body).get(root)) co_return UnreadableAnswer();
  co_return StringAt(root, "url") == url;
}

// Cursors are encoded already.
std::string CursorOf(const HttpHeaders& headers) {
  const auto query = NextPageQuery(headers);
  for (absl::string_view field : absl::StrSplit(query.value_or(""), '&')) {
    if (absl::ConsumePrefix(&field, "cursor=")) return std::string(field);
  }
  return "";
}

// False for what belongs to another of the App's installations than that.
bool IsOf(element delivery, const std::string& installation) {
  return installation.empty() ||
         IdAt(delivery, "installation_id") == installation;
}

// All codes are looked at: GitHub's own filter for failures leaves out those
// that got no answer, and what was delivered since.
absl::StatusOr<DeliveryPage> ReadPage(const HttpResult& answer,
                                      const std::string& installation,
                                      absl::Time oldest) {
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.parse(answer.body).get(list)) return UnreadableAnswer();
  DeliveryPage page;
  page.next = CursorOf(answer.headers);
  for (const element entry : list) {
    WebhookDelivery delivery;
    int64_t code = 0;
    const auto at = TimeAt(entry, "delivered_at");
    delivery.guid = StringAt(entry, "guid");
    if (entry["id"].get(delivery.id) || delivery.guid.empty() || !at) {
      return UnreadableAnswer();
    }
    if (*at < oldest) {
      page.next.clear();
      break;
    }
    const bool has_code = !entry["status_code"].get(code);
    delivery.has_failed = !has_code || code / 100 != 2;
    if (IsOf(entry, installation)) page.deliveries.push_back(delivery);
  }
  return page;
}

}  // namespace

asio::awaitable<absl::StatusOr<std::string>> FindGitHubAccountWebhook(
    GitHubClient& client, ForgeCall& call, std::string url) {
  if (IsApp(call.access().credential)) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const bool is_ours,
                                    co_await IsAppHook(call, url));
    if (is_ours) co_return kAppHook;
  }
  const std::string& owner = call.target().location.account;
  if (owner.empty()) co_return std::string();
  const std::string path =
      absl::StrCat("/orgs/", PercentEncode(owner), "/hooks");
  // It takes no more than 20 of an event.
  const absl::StatusOr<HttpResult> answer =
      co_await client.Send(call, {.path = absl::StrCat(path, "?per_page=100")});
  if (IsHidden(answer.status())) co_return std::string();
  if (!answer.ok()) co_return answer.status();
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.parse(answer->body).get(list)) co_return UnreadableAnswer();
  for (const element hook : list) {
    if (StringAtPointer(hook, "/config/url") != url) continue;
    co_return absl::StrCat(path, "/", IdAt(hook, "id"));
  }
  co_return std::string();
}

asio::awaitable<absl::StatusOr<DeliveryPage>> ListGitHubDeliveries(
    GitHubClient& client, ForgeCall& call, std::string webhook,
    std::string page) {
  std::string installation;
  if (webhook == kAppHook && !IsWholeApp(call)) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(InstallationToken token,
                                    co_await client.Installation(call, ""));
    installation = std::move(token.installation);
  }
  GitHubRequest request = {.path = absl::StrCat(HookPath(call, webhook),
                                                "/deliveries?per_page=100")};
  if (!page.empty()) absl::StrAppend(&request.path, "&cursor=", page);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer, co_await Send(client, call, std::move(request)));
  co_return ReadPage(answer, installation, call.Now() - kWindow);
}

asio::awaitable<absl::Status> RedeliverOnGitHub(GitHubClient& client,
                                                ForgeCall& call,
                                                std::string webhook,
                                                int64_t delivery) {
  GitHubRequest request = {
      .path = absl::StrCat(HookPath(call, webhook), "/deliveries/", delivery,
                           "/attempts"),
      .method = "POST"};
  co_return (co_await Send(client, call, std::move(request))).status();
}

}  // namespace lamplighter::provider
