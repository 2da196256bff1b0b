#include "services/reposync/service/attachments.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "common/status/macros.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using v1::CatalogRepository;

constexpr size_t kMaxName = 128;

absl::StatusOr<std::string> NameOf(const std::string& attachment,
                                   const std::string& client) {
  const std::string& name = attachment.empty() ? client : attachment;
  if (name.size() <= kMaxName) return name;
  return absl::InvalidArgumentError(
      absl::StrCat("attachment: must be ", kMaxName, " bytes at most"));
}

// Where the forge does not say, asking it will tell.
bool MayManageHooks(CatalogRepository::Access access) {
  return access == CatalogRepository::ADMIN ||
         access == CatalogRepository::ACCESS_UNSPECIFIED;
}

// The webhook of `connection` on that repository; null where there is none.
const v1::Hook* FindHook(const std::vector<v1::Hook>& hooks,
                         const std::string& connection, int64_t repository) {
  const auto found = absl::c_find_if(hooks, [&](const v1::Hook& hook) {
    return hook.connection() == connection && hook.repository() == repository;
  });
  return found == hooks.end() ? nullptr : &*found;
}

bool IsOn(const v1::Hook* hook) {
  return hook != nullptr && (hook->state() == v1::Hook::PRESENT ||
                             hook->state() == v1::Hook::UNMANAGED);
}

// How much of an attachment is done already where `hook` is there.
int Done(const v1::Hook* hook, const std::string& attachment) {
  if (hook == nullptr) return 0;
  if (absl::c_linear_search(hook->attachments(), attachment)) return 3;
  return IsOn(hook) ? 2 : 1;
}

// What to do by hand where nobody does it for us.
std::vector<std::string> Instructions(const StoredConnection& connection) {
  const v1::ConnectionInfo& info = connection.info;
  const bool is_azure = info.type() == "azuredevops";
  std::vector<std::string> instructions = {
      absl::StrCat("Webhooks of connection ", info.name(),
                   " are kept by hand: put one on the repository."),
      absl::StrCat("URL: ", info.webhook_url()),
      absl::StrCat("Events: ", absl::StrJoin(info.webhook_events(), ", "))};
  instructions.push_back(
      is_azure ? "Basic authentication: webhookBasicAuthUser and "
                 "webhookBasicAuthPass of the connection's secret, which the "
                 "source of ingest has, too."
               : "Content type: application/json. Secret: webhookSecret of the "
                 "connection's secret, which the source of ingest has, too.");
  return instructions;
}

}  // namespace

std::string Attachments::WhyNot(const StoredConnection& connection,
                                CatalogRepository::Access access,
                                bool is_on) const {
  const std::string& name = connection.info.name();
  if (connection.info.webhook_url().empty()) {
    return absl::StrCat(name, " has no webhook_url");
  }
  if (is_on || MayManageHooks(access) || parts_.all.HasUnmanagedHooks(name)) {
    return "";
  }
  return absl::StrCat(name, " may not manage webhooks there");
}

awaitable<absl::StatusOr<StoredConnection>> Attachments::Choose(
    v1::CatalogEntry entry, std::string name, std::string attachment) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<v1::Hook> hooks,
      co_await parts_.hooks.OfRepository(entry.repository().repository_id()));
  absl::optional<StoredConnection> chosen;
  int most_done = -1;
  std::vector<std::string> reasons;
  for (const v1::ReachedBy& reached : entry.reached_by()) {
    if (!name.empty() && reached.connection() != name) continue;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        StoredConnection connection,
        co_await parts_.connections.Find(reached.connection()));
    const v1::Hook* hook = FindHook(hooks, reached.connection(), entry.id());
    if (std::string reason = WhyNot(connection, reached.access(), IsOn(hook));
        !reason.empty()) {
      reasons.push_back(std::move(reason));
    } else if (const int done = Done(hook, attachment); done > most_done) {
      most_done = done;
      chosen = std::move(connection);
    }
  }
  if (chosen.has_value()) co_return *std::move(chosen);
  if (reasons.empty()) {
    reasons.push_back(name.empty() ? std::string("none reaches it")
                                   : absl::StrCat(name, " does not reach it"));
  }
  co_return absl::FailedPreconditionError(absl::StrCat(
      "no connection can attach ", entry.repository().repository_id(), ": ",
      absl::StrJoin(reasons, "; ")));
}

awaitable<absl::StatusOr<v1::AttachRepositoryResponse>> Attachments::Attach(
    v1::AttachRepositoryRequest request, std::string client) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::string attachment,
                                  NameOf(request.attachment(), client));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const v1::CatalogEntry entry,
      co_await parts_.catalog.GetByRepositoryId(request.repository_id()));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const StoredConnection connection,
      co_await Choose(entry, request.connection(), attachment));
  const HookKey key = {.connection = connection.info.name(),
                       .repository = entry.id()};
  const bool unmanaged = parts_.all.HasUnmanagedHooks(key.connection);
  v1::AttachRepositoryResponse response;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      *response.mutable_hook(),
      co_await parts_.hooks.Attach(key, std::move(attachment), unmanaged));
  if (unmanaged) {
    for (std::string& line : Instructions(connection)) {
      response.add_instructions(std::move(line));
    }
    co_return response;
  }
  co_await parts_.reconciler.Reconcile(key);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(*response.mutable_hook(),
                                  co_await parts_.hooks.Get(key));
  co_return response;
}

awaitable<absl::StatusOr<v1::DetachRepositoryResponse>> Attachments::Detach(
    v1::DetachRepositoryRequest request, std::string client) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string attachment,
                                  NameOf(request.attachment(), client));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<v1::Hook> hooks,
      co_await parts_.hooks.OfRepository(request.repository_id()));
  absl::optional<HookKey> key;
  for (const v1::Hook& hook : hooks) {
    if (!request.connection().empty() &&
        hook.connection() != request.connection()) {
      continue;
    }
    if (key.has_value()) {
      co_return absl::FailedPreconditionError(absl::StrCat(
          "connection: must be set: ", request.repository_id(),
          " is attached by ", key->connection, " and ", hook.connection()));
    }
    key = HookKey{.connection = hook.connection(),
                  .repository = hook.repository()};
  }
  v1::DetachRepositoryResponse response;
  if (!key.has_value()) co_return response;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const absl::optional<v1::Hook> left,
      co_await parts_.hooks.Detach(*key, attachment));
  if (!left.has_value()) co_return response;
  if (left->state() == v1::Hook::REMOVING) {
    co_await parts_.reconciler.Reconcile(*key);
  }
  absl::StatusOr<v1::Hook> hook = co_await parts_.hooks.Get(*key);
  if (absl::IsNotFound(hook.status())) co_return response;
  if (!hook.ok()) co_return hook.status();
  *response.mutable_hook() = *std::move(hook);
  co_return response;
}

awaitable<absl::StatusOr<v1::ListHooksResponse>> Attachments::List(
    v1::ListHooksRequest request) {
  return parts_.hooks.List(std::move(request));
}

awaitable<absl::StatusOr<v1::RepairHooksResponse>> Attachments::Repair(
    v1::RepairHooksRequest request) {
  v1::RepairHooksResponse response;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const int64_t hooks,
      co_await parts_.hooks.MakeDue(
          request.connection(), request.repository_id(), request.rewrite()));
  response.set_hooks(hooks);
  parts_.reconciler.Wake();
  co_return response;
}

awaitable<absl::Status> Attachments::Retry(std::string connection,
                                           bool rewrite) {
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      (co_await parts_.hooks.Revive(connection)).status());
  if (rewrite) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        (co_await parts_.hooks.MakeDue(connection, /*repository_id=*/"",
                                       /*rewrite=*/true))
            .status());
  }
  parts_.reconciler.Forgive(connection);
  parts_.reconciler.Wake();
  co_return absl::OkStatus();
}

}  // namespace lamplighter::reposync
