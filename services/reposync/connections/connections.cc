#include "services/reposync/connections/connections.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/time/proto_time.h"
#include "services/reposync/worker_call.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;
using v1::CheckCredentialResponse;

constexpr size_t kMaxName = 63;
constexpr size_t kMaxSecret = 64 << 10;

absl::Status CheckName(absl::string_view name) {
  const auto is_allowed = [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
  };
  if (!name.empty() && name.size() <= kMaxName &&
      absl::c_all_of(name, is_allowed)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("name: must be lower-case letters, digits and hyphens, ",
                   kMaxName, " at most"));
}

template <typename Secret>
absl::Status CheckSecret(const Secret& secret) {
  size_t size = 0;
  for (const auto& [key, value] : secret) size += key.size() + value.size();
  if (size <= kMaxSecret) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("secret: must be ", kMaxSecret, " bytes at most"));
}

absl::Status NoSeal() {
  return absl::FailedPreconditionError(
      "connections cannot be made at run time: reposync.seal_key_file is not "
      "configured");
}

absl::Status OfConfiguration(absl::string_view name) {
  return absl::FailedPreconditionError(
      absl::StrCat("connection ", name,
                   " is of the provider workers' configuration: change it "
                   "there"));
}

// None leads to former URLs any more: where it moves back to one, that is none.
void MoveWebhooks(v1::SealedConnection& content, const std::string& url) {
  auto& former = *content.mutable_former_webhook_urls();
  former.erase(std::remove(former.begin(), former.end(), url), former.end());
  if (!content.webhook_url().empty()) *former.Add() = content.webhook_url();
  content.set_webhook_url(url);
}

// What the forge says of a credential is not what our client may do.
absl::Status NotTheClients(const absl::Status& error) {
  if (!absl::IsUnauthenticated(error) && !absl::IsPermissionDenied(error) &&
      !absl::IsNotFound(error)) {
    return error;
  }
  return absl::FailedPreconditionError(
      absl::StrCat("the forge refuses the credential: ", error.message()));
}

}  // namespace

bool Connections::HasUnmanagedHooks(const std::string& name) const {
  return absl::c_linear_search(options_.unmanaged_hooks, name);
}

awaitable<absl::Status> Connections::Ask(StoredConnection& connection) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ProviderService::Stub * stub,
                                  parts_.workers.For(connection.info.type()));
  v1::CheckCredentialRequest request;
  *request.mutable_account() = AccountOf(connection);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      CheckCredentialResponse response,
      co_await CallWorker(stub, &WorkerMethods::CheckCredential,
                          std::move(request),
                          parts_.clock.Now() + options_.call_timeout));
  connection.checked_at = parts_.clock.Now();
  connection.check_error.clear();
  connection.info = std::move(*response.mutable_connection());
  response.clear_connection();
  connection.check = std::move(response);
  co_return absl::OkStatus();
}

awaitable<absl::Status> Connections::Prove(StoredConnection& connection) {
  const absl::Status asked = co_await Ask(connection);
  if (!asked.ok()) co_return NotTheClients(asked);
  if (connection.check.can_list_repositories() == CheckCredentialResponse::NO) {
    co_return absl::FailedPreconditionError(
        absl::StrCat("the credential may not list repositories: ",
                     absl::StrJoin(connection.check.problems(), " ")));
  }
  co_return absl::OkStatus();
}

awaitable<absl::StatusOr<Connections::Counts>> Connections::Count() {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      auto counts, co_await parts_.connections.CountRepositories());
  co_return Counts(counts.begin(), counts.end());
}

awaitable<absl::StatusOr<v1::CatalogConnection>> Connections::Describe(
    StoredConnection connection) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Counts counts, co_await Count());
  co_return co_await Describe(std::move(connection), std::move(counts));
}

awaitable<absl::StatusOr<v1::CatalogConnection>> Connections::Describe(
    StoredConnection connection, Counts counts) {
  const std::string name = connection.info.name();
  v1::CatalogConnection description;
  *description.mutable_info() = std::move(connection.info);
  description.set_origin(connection.origin);
  if (connection.checked_at > absl::InfinitePast()) {
    *description.mutable_check() = std::move(connection.check);
    *description.mutable_checked_at() = ToProto(connection.checked_at);
    description.set_check_error(std::move(connection.check_error));
  }
  description.set_repositories(counts[name]);
  description.set_unmanaged_hooks(HasUnmanagedHooks(name));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(ListingStore::Newest newest,
                                  co_await parts_.listings.FindNewest(name));
  const absl::Time due = parts_.scheduler.DueAt(name, newest);
  if (due != absl::InfiniteFuture()) {
    *description.mutable_next_refresh_at() =
        ToProto(std::max(due, parts_.clock.Now()));
  }
  if (newest.done.has_value()) {
    *description.mutable_refreshed_at() = newest.done->finished_at();
  }
  if (newest.refresh.has_value()) {
    *description.mutable_last_refresh() = *std::move(newest.refresh);
  }
  co_return description;
}

awaitable<absl::StatusOr<v1::ListCatalogConnectionsResponse>>
Connections::List() {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::vector<StoredConnection> connections,
                                  co_await parts_.connections.List());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Counts counts, co_await Count());
  v1::ListCatalogConnectionsResponse response;
  for (StoredConnection& connection : connections) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        *response.add_connections(),
        co_await Describe(std::move(connection), counts));
  }
  co_return response;
}

awaitable<absl::StatusOr<v1::CreateConnectionResponse>> Connections::Create(
    v1::CreateConnectionRequest request) {
  if (parts_.seal == nullptr) co_return NoSeal();
  LAMPLIGHTER_CO_RETURN_IF_ERROR(CheckName(request.name()));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(CheckSecret(request.secret()));
  v1::SealedConnection content;
  content.set_name(request.name());
  content.set_type(request.type());
  content.set_address(request.address());
  content.set_webhook_url(request.webhook_url());
  content.mutable_secret()->swap(*request.mutable_secret());
  StoredConnection connection;
  connection.info.set_name(request.name());
  connection.info.set_type(request.type());
  connection.origin = v1::CatalogConnection::SERVICE;
  connection.sealed = parts_.seal->Close(content.SerializeAsString());
  connection.created_at = parts_.clock.Now();
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await Prove(connection));
  if (!request.dry_run()) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await parts_.connections.Insert(connection));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        (co_await parts_.scheduler.Begin(request.name(), v1::Refresh::REQUEST,
                                         /*accept_shrink=*/false))
            .status());
  }
  v1::CreateConnectionResponse response;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(*response.mutable_connection(),
                                  co_await Describe(std::move(connection)));
  co_return response;
}

awaitable<absl::StatusOr<v1::UpdateConnectionResponse>> Connections::Update(
    v1::UpdateConnectionRequest request) {
  if (parts_.seal == nullptr) co_return NoSeal();
  LAMPLIGHTER_CO_RETURN_IF_ERROR(CheckSecret(request.secret()));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      StoredConnection connection,
      co_await parts_.connections.Find(request.name()));
  if (connection.origin != v1::CatalogConnection::SERVICE) {
    co_return OfConfiguration(request.name());
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string opened,
                                  parts_.seal->Open(connection.sealed));
  v1::SealedConnection content;
  if (!content.ParseFromString(opened)) {
    co_return absl::InternalError("what was sealed is not a connection");
  }
  if (!request.secret().empty()) {
    content.mutable_secret()->swap(*request.mutable_secret());
  }
  const bool is_moved = !request.webhook_url().empty() &&
                        request.webhook_url() != content.webhook_url();
  if (is_moved) MoveWebhooks(content, request.webhook_url());
  connection.sealed = parts_.seal->Close(content.SerializeAsString());
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await Prove(connection));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      co_await parts_.connections.Update(connection));
  v1::UpdateConnectionResponse response;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(*response.mutable_connection(),
                                  co_await Describe(std::move(connection)));
  co_return response;
}

awaitable<absl::StatusOr<v1::CheckConnectionResponse>> Connections::Check(
    v1::CheckConnectionRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      StoredConnection connection,
      co_await parts_.connections.Find(request.name()));
  const absl::Status asked = co_await Ask(connection);
  absl::StatusOr<CheckCredentialResponse> answer = connection.check;
  if (!asked.ok()) {
    answer = asked;
    connection.checked_at = parts_.clock.Now();
    connection.check_error = std::string(asked.message());
  }
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      co_await parts_.connections.SaveCheck(request.name(), std::move(answer)));
  v1::CheckConnectionResponse response;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(*response.mutable_connection(),
                                  co_await Describe(std::move(connection)));
  co_return response;
}

awaitable<absl::StatusOr<v1::DeleteConnectionResponse>> Connections::Delete(
    v1::DeleteConnectionRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const StoredConnection connection,
      co_await parts_.connections.Find(request.name()));
  if (connection.origin != v1::CatalogConnection::SERVICE) {
    co_return OfConfiguration(request.name());
  }
  v1::DeleteConnectionResponse response;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const int64_t removed, co_await parts_.connections.Delete(
                                 request.name(), request.abandon_webhooks()));
  response.set_removed(removed);
  co_return response;
}

awaitable<absl::Status> Connections::Reseal() {
  if (parts_.seal == nullptr) co_return absl::OkStatus();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<StoredConnection> connections,
      co_await parts_.connections.List());
  int resealed = 0;
  absl::Status status;
  for (const StoredConnection& connection : connections) {
    if (connection.sealed.empty() ||
        parts_.seal->ClosedWithFirst(connection.sealed)) {
      continue;
    }
    const absl::StatusOr<std::string> opened =
        parts_.seal->Open(connection.sealed);
    if (!opened.ok()) {
      status.Update(
          Annotate(opened.status(), "connection ", connection.info.name()));
      continue;
    }
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await parts_.connections.Reseal(
        connection.info.name(), connection.sealed,
        parts_.seal->Close(*opened)));
    ++resealed;
  }
  if (resealed > 0) {
    LAMPLIGHTER_LOG(kInfo, "connections sealed with the first key")
        .With("connections", resealed);
  }
  co_return status;
}

}  // namespace lamplighter::reposync
