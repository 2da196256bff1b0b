#include "services/provider/ensure_webhooks.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "common/status/macros.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// One ensuring, of one repository.
class Ensuring {
 public:
  Ensuring(Forge& forge, ForgeCall& call, WantedWebhook wanted,
           std::vector<std::string> former_urls, bool rewrite)
      : forge_(forge),
        call_(call),
        wanted_(std::move(wanted)),
        former_urls_(std::move(former_urls)),
        rewrite_(rewrite) {}

  asio::awaitable<absl::StatusOr<std::vector<v1::Webhook>>> Run() {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        std::vector<ForgeWebhook> shown,
        co_await forge_.ListWebhooks(call_, wanted_, former_urls_));
    for (const std::string& kind : forge_.WebhookKinds()) {
      const absl::Status status = co_await Ensure(kind, shown);
      if (status.ok()) continue;
      co_await TakeBack();
      co_return status;
    }
    // Last, so that deliveries may come twice but never not at all.
    for (ForgeWebhook& webhook : shown) {
      const bool is_ours = webhook.url == wanted_.url ||
                           absl::c_linear_search(former_urls_, webhook.url);
      if (!is_ours) continue;
      LAMPLIGHTER_CO_RETURN_IF_ERROR(
          co_await forge_.DeleteWebhook(call_, webhook.id));
      Report(webhook.id, v1::Webhook::REMOVED, webhook.kind, webhook.url);
    }
    co_return std::move(report_);
  }

 private:
  // Takes what it keeps from `shown`.
  asio::awaitable<absl::Status> Ensure(std::string kind,
                                       std::vector<ForgeWebhook>& shown) {
    const auto ours = absl::c_find_if(shown, [&](const ForgeWebhook& webhook) {
      return webhook.url == wanted_.url && webhook.kind == kind;
    });
    if (ours != shown.end()) {
      const ForgeWebhook webhook = std::move(*ours);
      shown.erase(ours);
      co_return co_await Adopt(webhook);
    }
    absl::StatusOr<std::string> id =
        co_await forge_.WriteWebhook(call_, wanted_, kind, "");
    if (absl::IsAlreadyExists(id.status())) {
      co_return co_await AdoptAnothers(std::move(kind));
    }
    if (!id.ok()) co_return id.status();
    Report(*std::move(id), v1::Webhook::CREATED, std::move(kind), wanted_.url);
    co_return absl::OkStatus();
  }

  asio::awaitable<absl::Status> Adopt(ForgeWebhook webhook) {
    v1::Webhook::Action action = v1::Webhook::UNCHANGED;
    if (rewrite_ || !webhook.difference.empty()) {
      action = v1::Webhook::REPAIRED;
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          webhook.id, co_await forge_.WriteWebhook(call_, wanted_, webhook.kind,
                                                   webhook.id));
    }
    Report(webhook.id, action, webhook.kind, webhook.url)
        .set_difference(webhook.difference);
    co_return absl::OkStatus();
  }

  // Somebody was faster, another of us most likely: whose secret it has is not
  // known.
  asio::awaitable<absl::Status> AdoptAnothers(std::string kind) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const std::vector<ForgeWebhook> shown,
        co_await forge_.ListWebhooks(call_, wanted_, former_urls_));
    const auto ours = absl::c_find_if(shown, [&](const ForgeWebhook& webhook) {
      return webhook.url == wanted_.url && webhook.kind == kind;
    });
    if (ours == shown.end()) {
      co_return absl::UnavailableError(
          "the forge says that there is such a webhook, and shows none");
    }
    ForgeWebhook webhook = *ours;
    if (webhook.difference.empty()) {
      webhook.difference = "was created by another at the same time";
    }
    co_return co_await Adopt(std::move(webhook));
  }

  // All or none: half of what a repository needs looks as if it were attached.
  asio::awaitable<void> TakeBack() {
    for (const v1::Webhook& webhook : report_) {
      if (webhook.action() != v1::Webhook::CREATED) continue;
      (co_await forge_.DeleteWebhook(call_, webhook.forge_id()))
          .IgnoreError();  // the next call finds and adopts it
    }
  }

  v1::Webhook& Report(std::string id, v1::Webhook::Action action,
                      std::string kind, std::string url) {
    v1::Webhook& webhook = report_.emplace_back();
    webhook.set_forge_id(std::move(id));
    webhook.set_action(action);
    webhook.set_kind(std::move(kind));
    webhook.set_url(std::move(url));
    return webhook;
  }

  Forge& forge_;
  ForgeCall& call_;
  const WantedWebhook wanted_;
  const std::vector<std::string> former_urls_;
  const bool rewrite_;
  std::vector<v1::Webhook> report_;
};

}  // namespace

asio::awaitable<absl::StatusOr<std::vector<v1::Webhook>>> EnsureWebhooks(
    Forge& forge, ForgeCall& call, WantedWebhook wanted,
    std::vector<std::string> former_urls, bool rewrite) {
  Ensuring ensuring(forge, call, std::move(wanted), std::move(former_urls),
                    rewrite);
  co_return co_await ensuring.Run();
}

asio::awaitable<absl::StatusOr<std::vector<v1::Webhook>>> RemoveWebhooks(
    Forge& forge, ForgeCall& call, WantedWebhook wanted,
    std::vector<std::string> former_urls) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<ForgeWebhook> shown,
      co_await forge.ListWebhooks(call, wanted, former_urls));
  std::vector<v1::Webhook> report;
  for (const ForgeWebhook& webhook : shown) {
    if (webhook.url != wanted.url &&
        !absl::c_linear_search(former_urls, webhook.url)) {
      continue;
    }
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await forge.DeleteWebhook(call, webhook.id));
    v1::Webhook& removed = report.emplace_back();
    removed.set_forge_id(webhook.id);
    removed.set_action(v1::Webhook::REMOVED);
    removed.set_kind(webhook.kind);
    removed.set_url(webhook.url);
  }
  co_return report;
}

}  // namespace lamplighter::provider
