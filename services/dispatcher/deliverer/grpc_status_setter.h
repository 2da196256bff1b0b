#pragma once

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/dispatcher/deliverer/status_setter.h"
#include "services/dispatcher/provider_workers.h"

namespace lamplighter::dispatcher {

// Calls the provider worker that serves a Provider's type. On the loop only.
class GrpcStatusSetter final : public StatusSetter {
 public:
  // A call takes `timeout` at most. `workers` and `clock` must outlive this.
  GrpcStatusSetter(const ProviderWorkers& workers, absl::Duration timeout,
                   const Clock& clock, Tracer tracer)
      : workers_(workers),
        timeout_(timeout),
        clock_(clock),
        tracer_(std::move(tracer)) {}

  // FailedPrecondition if no worker is configured for the Provider's type.
  boost::asio::awaitable<absl::StatusOr<v1::SetCommitStatusResponse>> Set(
      v1::SetCommitStatusRequest request, std::string traceparent) override;

 private:
  const ProviderWorkers& workers_;
  const absl::Duration timeout_;
  const Clock& clock_;
  const Tracer tracer_;
};

}  // namespace lamplighter::dispatcher
