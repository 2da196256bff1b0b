#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forge_jobs.h"

namespace lamplighter::provider {

// Does what ProviderService promises for commit statuses. One per process, on
// the loop only.
class StatusWorker {
 public:
  // `jobs` must outlive the worker.
  explicit StatusWorker(ForgeJobs& jobs) : jobs_(jobs) {}

  boost::asio::awaitable<absl::StatusOr<v1::SetCommitStatusResponse>> Set(
      v1::SetCommitStatusRequest request, Caller caller);

  boost::asio::awaitable<absl::StatusOr<v1::ListCommitStatusesResponse>> List(
      v1::ListCommitStatusesRequest request, Caller caller);

 private:
  ForgeJobs& jobs_;
};

}  // namespace lamplighter::provider
