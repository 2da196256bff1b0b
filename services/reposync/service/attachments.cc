#include "services/reposync/service/attachments.h"

#include <utility>
#include <vector>

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

awaitable<absl::StatusOr<StoredConnection>> Attachments::Choose(
    v1::CatalogEntry entry, std::string name) {
  std::vector<std::string> reasons;
  for (const v1::ReachedBy& reached : entry.reached_by()) {
    if (!name.empty() && reached.connection() != name) continue;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        StoredConnection connection,
        co_await parts_.connections.Find(reached.connection()));
    if (connection.info.webhook_url().empty()) {
      reasons.push_back(
          absl::StrCat(reached.connection(), " has no webhook_url"));
    } else if (!MayManageHooks(reached.access()) &&
               !parts_.all.HasUnmanagedHooks(reached.connection())) {
      reasons.push_back(
          absl::StrCat(reached.connection(), " may not manage webhooks there"));
    } else {
      co_return connection;
    }
  }
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
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const StoredConnection connection,
                                  co_await Choose(entry, request.connection()));
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
