#include "services/provider/forges/gitlab/gitlab_webhooks.h"

#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/gitlab/gitlab_client.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/forges/paging.h"
#include "simdjson.h"

namespace lamplighter::provider::gitlab {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// Of a hundred webhooks each; gitlab.com takes no more than a hundred.
constexpr int kMaxPages = 20;

constexpr const char* kEvents[] = {"push_events", "tag_push_events",
                                   "merge_requests_events"};

bool IsSigningToken(absl::string_view secret) {
  return absl::StartsWith(secret, "whsec_");
}

// False only where the forge says so: older ones do not tell everything.
bool IsNot(element hook, std::string_view key) {
  bool flag = true;
  return !hook[key].get(flag) && !flag;
}

// Of what is wanted alone: a webhook may send more.
std::string Difference(element hook, const WantedWebhook& wanted) {
  std::vector<std::string> differences;
  const std::string alert = StringAt(hook, "alert_status");
  if (alert == "disabled" || alert == "temporarily_disabled") {
    differences.push_back(
        absl::StrCat("is ", alert, " by GitLab after failed deliveries"));
  }
  for (const char* events : kEvents) {
    if (!FlagAt(hook, events)) {
      differences.push_back(absl::StrCat("does not send ", events));
    }
  }
  if (!StringAt(hook, "push_events_branch_filter").empty() &&
      StringAt(hook, "branch_filter_strategy") != "all_branches") {
    differences.emplace_back("sends the pushes of some branches only");
  }
  if (IsNot(hook, "enable_ssl_verification")) {
    differences.emplace_back("does not verify certificates");
  }
  const bool is_signed = FlagAt(hook, "signing_token_present");
  if (IsSigningToken(wanted.secret)) {
    if (!is_signed) differences.emplace_back("has no signing token");
  } else if (is_signed) {
    differences.emplace_back("has a signing token in place of a secret token");
  } else if (IsNot(hook, "token_present")) {
    differences.emplace_back("has no secret token");
  }
  return absl::StrJoin(differences, ", ");
}

absl::StatusOr<ForgeWebhook> ReadHook(element hook,
                                      const WantedWebhook& wanted) {
  ForgeWebhook webhook;
  webhook.id = IdAt(hook, "id");
  webhook.url = StringAt(hook, "url");
  if (webhook.id.empty() || webhook.url.empty()) return UnreadableAnswer();
  webhook.difference = Difference(hook, wanted);
  return webhook;
}

absl::StatusOr<ForgeWebhook> ReadWritten(const HttpResult& answer,
                                         const WantedWebhook& wanted) {
  return ReadObject<ForgeWebhook>(
      answer.body, [&](element hook) { return ReadHook(hook, wanted); });
}

// GitLab sends pushes alone unless told.
std::string Body(const WantedWebhook& wanted) {
  boost::json::object body;
  body["url"] = wanted.url;
  for (const char* events : kEvents) body[events] = true;
  body["push_events_branch_filter"] = "";
  body["branch_filter_strategy"] = "all_branches";
  body["enable_ssl_verification"] = true;
  body[IsSigningToken(wanted.secret) ? "signing_token" : "token"] =
      wanted.secret;
  return boost::json::serialize(body);
}

std::string HookPath(const ForgeCall& call, absl::string_view id) {
  return absl::StrCat(ProjectPath(call), "/hooks/", PercentEncode(id));
}

absl::Status StatusFromRefusal(const ForgeCall& call,
                               const HttpResult& answer) {
  const std::string text = call.Quote(ErrorText(answer.body));
  if (answer.status / 100 == 4 && absl::StrContains(text, "Maximum number")) {
    return absl::FailedPreconditionError(text);
  }
  absl::Status status = StatusFromError(call, answer);
  if (answer.status != 422) return status;
  return absl::Status(
      status.code(),
      absl::StrCat(status.message(),
                   " (GitLab takes no webhook_url of its own network unless "
                   "its administrator allows that)"));
}

absl::Status StatusFromDifference(const ForgeWebhook& created,
                                  const WantedWebhook& wanted) {
  if (IsSigningToken(wanted.secret)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the webhook that GitLab made ", created.difference,
                     ": signing tokens need GitLab 19.0; with an older one let "
                     "webhookSecret not begin with whsec_"));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the webhook that GitLab made ", created.difference));
}

asio::awaitable<absl::StatusOr<std::string>> Create(ForgeCall& call,
                                                    WantedWebhook wanted) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Send(call, "POST", absl::StrCat(ProjectPath(call), "/hooks"),
                    Body(wanted)));
  if (answer.status / 100 != 2) co_return StatusFromRefusal(call, answer);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const ForgeWebhook created,
                                  ReadWritten(answer, wanted));
  if (created.difference.empty()) co_return created.id;
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await DeleteWebhook(call, created.id));
  co_return StatusFromDifference(created, wanted);
}

}  // namespace

std::vector<std::string> WebhookEvents() {
  return {std::begin(kEvents), std::end(kEvents)};
}

asio::awaitable<absl::StatusOr<std::vector<ForgeWebhook>>> ListWebhooks(
    ForgeCall& call, WantedWebhook wanted) {
  std::vector<ForgeWebhook> webhooks;
  for (int page = 1; page <= kMaxPages; ++page) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Request(
            call, "GET",
            absl::StrCat(ProjectPath(call), "/hooks?per_page=100&page=", page),
            ""));
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        std::vector<ForgeWebhook> list,
        ReadList<ForgeWebhook>(
            answer.body, [&](element hook) { return ReadHook(hook, wanted); }));
    for (ForgeWebhook& webhook : list) webhooks.push_back(std::move(webhook));
    if (!HasNextPage(answer.headers)) co_return webhooks;
  }
  co_return absl::FailedPreconditionError(
      "the repository has more webhooks than can be read");
}

asio::awaitable<absl::StatusOr<std::string>> WriteWebhook(ForgeCall& call,
                                                          WantedWebhook wanted,
                                                          std::string id) {
  call.AddSecret(wanted.secret);  // an error may quote what was sent
  if (id.empty()) co_return co_await Create(call, std::move(wanted));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Send(call, "PUT", HookPath(call, id), Body(wanted)));
  if (answer.status == 404) {  // taken off since it was listed
    co_return co_await Create(call, std::move(wanted));
  }
  if (answer.status / 100 != 2) co_return StatusFromRefusal(call, answer);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const ForgeWebhook updated,
                                  ReadWritten(answer, wanted));
  if (updated.difference.empty()) co_return updated.id;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::string created,
                                  co_await Create(call, std::move(wanted)));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await DeleteWebhook(call, id));
  co_return created;
}

asio::awaitable<absl::Status> DeleteWebhook(ForgeCall& call, std::string id) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Send(call, "DELETE", HookPath(call, id), ""));
  if (answer.status / 100 == 2 || answer.status == 404) {
    co_return absl::OkStatus();
  }
  co_return StatusFromError(call, answer);
}

}  // namespace lamplighter::provider::gitlab
