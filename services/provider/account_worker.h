#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forge_jobs.h"

namespace lamplighter::provider {

// Does what ProviderService promises for accounts: repositories, webhooks,
// credentials. One per process, on the loop only.
class AccountWorker {
 public:
  // Takes a page, and says when it can take the next.
  using WritePage = std::function<boost::asio::awaitable<absl::Status>(
      v1::ListRepositoriesResponse page)>;

  // `jobs` must outlive the worker.
  explicit AccountWorker(ForgeJobs& jobs) : jobs_(jobs) {}

  // Calls `write` with one page after the other. Each page asks for its own
  // leave to use the credential, so that a listing holds up no statuses.
  boost::asio::awaitable<absl::Status> ListRepositories(
      v1::ListRepositoriesRequest request, WritePage write, Caller caller);

  boost::asio::awaitable<absl::StatusOr<v1::GetRepositoryResponse>>
  GetRepository(v1::GetRepositoryRequest request, Caller caller);

  boost::asio::awaitable<absl::StatusOr<v1::ListConnectionsResponse>>
  ListConnections(v1::ListConnectionsRequest request, Caller caller);

  boost::asio::awaitable<absl::StatusOr<v1::EnsureWebhooksResponse>>
  EnsureWebhooks(v1::EnsureWebhooksRequest request, Caller caller);

  boost::asio::awaitable<absl::StatusOr<v1::RemoveWebhooksResponse>>
  RemoveWebhooks(v1::RemoveWebhooksRequest request, Caller caller);

  boost::asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>>
  CheckCredential(v1::CheckCredentialRequest request, Caller caller);

  boost::asio::awaitable<absl::StatusOr<v1::GetRateLimitsResponse>>
  GetRateLimits(v1::GetRateLimitsRequest request, Caller caller);

 private:
  // One page of a listing.
  boost::asio::awaitable<absl::StatusOr<v1::ListRepositoriesResponse>> ReadPage(
      v1::Account account, v1::KnownPage known, bool use_reserve,
      Caller caller);

  ForgeJobs& jobs_;
};

}  // namespace lamplighter::provider
