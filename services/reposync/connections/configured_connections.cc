#include "services/reposync/connections/configured_connections.h"

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "services/reposync/worker_call.h"

namespace lamplighter::reposync {
namespace {

using ::boost::asio::awaitable;

constexpr absl::string_view kTypes[] = {
    "github", "gitlab", "bitbucket", "bitbucketserver", "azuredevops", "gitea"};

}  // namespace

awaitable<absl::Status> ConfiguredConnections::Update() {
  absl::Status status;
  for (const auto& [types, stub] : workers_.All()) {
    status.Update(Annotate(co_await UpdateFrom(types, stub),
                           "ask provider worker ", types));
  }
  co_return status;
}

awaitable<absl::Status> ConfiguredConnections::UpdateFrom(
    std::string types, v1::ProviderService::Stub* stub) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      v1::ListConnectionsResponse response,
      co_await CallWorker(stub, &WorkerMethods::ListConnections,
                          v1::ListConnectionsRequest(),
                          clock_.Now() + options_.call_timeout));
  // Each answers for the types that are sent to it.
  std::vector<std::string> served;
  for (const absl::string_view type : kTypes) {
    const absl::StatusOr<v1::ProviderService::Stub*> serves =
        workers_.For(type);
    if (serves.ok() && *serves == stub) served.emplace_back(type);
  }
  std::vector<v1::ConnectionInfo> connections;
  for (v1::ConnectionInfo& info : *response.mutable_connections()) {
    if (absl::c_linear_search(served, info.type())) {
      connections.push_back(std::move(info));
    }
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<std::string> taken,
      co_await store_.SetConfigured(std::move(connections), std::move(served)));
  if (taken.empty()) co_return absl::OkStatus();
  co_return absl::AlreadyExistsError(absl::StrCat(
      "connections of the configuration have names of connections that were "
      "made at run time, which stay: ",
      absl::StrJoin(taken, ", ")));
}

awaitable<void> ConfiguredConnections::Run() {
  int failures = 0;  // in a row
  while (true) {
    const absl::Status status = co_await Update();
    if (!status.ok() && status.message() != last_error_) {
      LAMPLIGHTER_LOG(kWarning, "connections of the configuration not all read")
          .With("error", status);
    }
    last_error_ = std::string(status.message());
    failures = status.ok() ? 0 : failures + 1;
    const absl::Duration wait =
        status.ok() ? options_.interval
                    : options_.backoff.AtLeastHalfAfter(failures, random_);
    if (!(co_await sleeper_.SleepFor(wait)).ok()) co_return;
  }
}

}  // namespace lamplighter::reposync
