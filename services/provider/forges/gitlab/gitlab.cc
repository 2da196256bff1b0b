#include "services/provider/forges/gitlab/gitlab.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/gitlab/gitlab_client.h"
#include "services/provider/forges/gitlab/gitlab_credential.h"
#include "services/provider/forges/gitlab/gitlab_deliveries.h"
#include "services/provider/forges/gitlab/gitlab_projects.h"
#include "services/provider/forges/gitlab/gitlab_webhooks.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/forges/paging.h"
#include "services/provider/outgoing_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// GitLab refuses more, of names and URLs too.
constexpr size_t kMaxText = 255;

absl::string_view Word(v1::CommitState state) {
  switch (state) {
    case v1::PENDING:
      return "pending";
    case v1::RUNNING:
      return "running";
    case v1::SUCCESS:
      return "success";
    case v1::FAILURE:
    case v1::ERROR:
      return "failed";
    default:
      return "";
  }
}

// GitLab keeps no time of the last change; this is what such a change sets.
absl::optional<absl::Time> ChangedAt(element object) {
  for (const char* key : {"finished_at", "started_at", "created_at"}) {
    if (const auto time = TimeAt(object, key)) return time;
  }
  return absl::nullopt;
}

ForgeStatus ReadStatus(element entry) {
  ForgeStatus status;
  status.context = StringAt(entry, "name");
  status.state = StringAt(entry, "status");
  status.description = StringAt(entry, "description");
  status.target_url = StringAt(entry, "target_url");
  status.id = IdAt(entry, "id");
  status.updated_at = ChangedAt(entry);
  return status;
}

// No ref: GitLab takes that of the newest pipeline, else the first branch that
// has the commit.
std::string Body(const ForgeStatus& status) {
  boost::json::object body;
  body["state"] = status.state;
  body["name"] = status.context;
  if (!status.target_url.empty()) body["target_url"] = status.target_url;
  body["description"] = status.description;
  return boost::json::serialize(body);
}

// GitLab refuses what it would not change (pending to pending, running to
// running) and pending after running, which still is under way.
bool IsAlreadyThere(const HttpResult& answer, const ForgeStatus& wanted) {
  if (answer.status != 400) return false;
  if (wanted.state != "pending" && wanted.state != "running") return false;
  const std::string text = gitlab::ErrorText(answer.body);
  return absl::StrContains(text, "Cannot transition status via ") &&
         (absl::StrContains(text, "from :running") ||
          absl::StrContains(text, absl::StrCat("from :", wanted.state)));
}

class GitLab final : public Forge {
 public:
  // A target URL is left out where it is too long: cut, it would lead nowhere.
  absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const override {
    LAMPLIGHTER_ASSIGN_OR_RETURN(ForgeStatus status,
                                 RenderLikeGitHub(intent, kMaxText));
    status.state = std::string(Word(intent.state()));
    if (CountCharacters(status.target_url) > kMaxText) {
      status.target_url.clear();
    }
    return status;
  }

  // Jobs of pipelines are listed as well, with states that none can set.
  v1::CommitState StateOf(absl::string_view forge_state) const override {
    for (const char* word : {"pending", "created", "waiting_for_resource",
                             "preparing", "scheduled", "manual"}) {
      if (forge_state == word) return v1::PENDING;
    }
    if (forge_state == "running" || forge_state == "canceling") {
      return v1::RUNNING;
    }
    if (forge_state == "success" || forge_state == "skipped") {
      return v1::SUCCESS;
    }
    if (forge_state == "failed") return v1::FAILURE;
    if (forge_state == "canceled") return v1::ERROR;
    return v1::COMMIT_STATE_UNSPECIFIED;
  }

  // Another user's status of this name counts, as it does on the page.
  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    const std::string filter = absl::StrCat("&order_by=id&sort=desc&name=",
                                            PercentEncode(wanted.context));
    co_return co_await FindOnPages(
        [&](int page) { return Page(call, sha, filter, page); },
        [&](const ForgeStatus& status) {
          return status.context == wanted.context;
        });
  }

  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await gitlab::Send(
            call, "POST",
            absl::StrCat(gitlab::ProjectPath(call), "/statuses/", sha),
            Body(status)));
    if (answer.status / 100 == 2) co_return ParseCreated(answer.body);
    if (IsAlreadyThere(answer, status)) {
      co_return absl::AlreadyExistsError(
          call.Quote(gitlab::ErrorText(answer.body)));
    }
    co_return gitlab::StatusFromError(call, answer);
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    co_return co_await ListOnPages(
        [&](int page) { return Page(call, sha, "", page); });
  }

  asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
      ForgeCall& call, std::string page, std::string /*etag*/) override {
    co_return co_await gitlab::ListProjects(call, std::move(page));
  }

  asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
      ForgeCall& call) override {
    co_return co_await gitlab::GetProject(call);
  }

  std::vector<std::string> WebhookEvents() const override {
    return gitlab::WebhookEvents();
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
      ForgeCall& call, WantedWebhook wanted,
      std::vector<std::string> /*former_urls*/) override {
    co_return co_await gitlab::ListWebhooks(call, std::move(wanted));
  }

  asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(
      ForgeCall& call, WantedWebhook wanted, std::string /*kind*/,
      std::string id) override {
    co_return co_await gitlab::WriteWebhook(call, std::move(wanted),
                                            std::move(id));
  }

  asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call,
                                              std::string id) override {
    co_return co_await gitlab::DeleteWebhook(call, std::move(id));
  }

  bool Redelivers() const override { return true; }

  asio::awaitable<absl::StatusOr<DeliveryPage>> ListDeliveries(
      ForgeCall& call, std::string webhook, std::string page) override {
    co_return co_await gitlab::ListDeliveries(call, std::move(webhook),
                                              std::move(page));
  }

  asio::awaitable<absl::Status> Redeliver(ForgeCall& call, std::string webhook,
                                          int64_t delivery) override {
    co_return co_await gitlab::Redeliver(call, std::move(webhook), delivery);
  }

  asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>> CheckCredential(
      ForgeCall& call) override {
    co_return co_await gitlab::CheckCredential(call);
  }

 private:
  // The newest of each name, once for each of the commit's pipelines. `filter`
  // is of the query.
  static asio::awaitable<absl::StatusOr<StatusPage>> Page(ForgeCall& call,
                                                          std::string sha,
                                                          std::string filter,
                                                          int page) {
    std::string path =
        absl::StrCat(gitlab::ProjectPath(call), "/repository/commits/", sha,
                     "/statuses?all=false&per_page=100", filter);
    if (page > 1) absl::StrAppend(&path, "&page=", page);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await gitlab::Request(call, "GET", std::move(path), ""));
    StatusPage result;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        result.statuses,
        ReadList<ForgeStatus>(answer.body,
                              [](element entry) -> absl::StatusOr<ForgeStatus> {
                                return ReadStatus(entry);
                              }));
    result.is_last = !HasNextPage(answer.headers);
    co_return result;
  }
};

}  // namespace

std::unique_ptr<Forge> MakeGitLab() { return std::make_unique<GitLab>(); }

}  // namespace lamplighter::provider
