#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/time/clock.h"
#include "services/dispatcher/provider_workers.h"
#include "services/dispatcher/status_service/status_reader.h"

namespace lamplighter::dispatcher {

// Calls the provider worker that serves a Provider's type. On the loop only.
class GrpcStatusReader final : public StatusReader {
 public:
  // A call takes `timeout` at most. `workers` and `clock` must outlive this.
  GrpcStatusReader(const ProviderWorkers& workers, absl::Duration timeout,
                   const Clock& clock)
      : workers_(workers), timeout_(timeout), clock_(clock) {}

  boost::asio::awaitable<absl::StatusOr<v1::ListCommitStatusesResponse>> List(
      v1::ListCommitStatusesRequest request) override;

 private:
  const ProviderWorkers& workers_;
  const absl::Duration timeout_;
  const Clock& clock_;
};

}  // namespace lamplighter::dispatcher
