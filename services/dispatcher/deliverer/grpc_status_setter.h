#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/manifests/manifest_source.h"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"
#include "services/dispatcher/deliverer/status_setter.h"

namespace lamplighter::dispatcher {

// Calls the provider worker that serves a Provider's type. On the loop only.
class GrpcStatusSetter final : public StatusSetter {
 public:
  // `addresses`: gRPC targets by provider type; "default" serves the types that
  // are not named. A call takes `timeout` at most. `clock` and `manifests`,
  // which tell the type of a Provider, must outlive this.
  GrpcStatusSetter(const std::map<std::string, std::string>& addresses,
                   absl::Duration timeout, const Clock& clock,
                   const ManifestSource& manifests);

  // FailedPrecondition if no worker is configured for the Provider's type.
  boost::asio::awaitable<absl::StatusOr<v1::SetCommitStatusResponse>> Set(
      v1::SetCommitStatusRequest request) override;

 private:
  v1::ProviderService::Stub* StubFor(const v1::ProviderRef& provider) const;

  const absl::Duration timeout_;
  const Clock& clock_;
  const ManifestSource& manifests_;
  // By provider type.
  std::map<std::string, std::unique_ptr<v1::ProviderService::Stub>> stubs_;
};

}  // namespace lamplighter::dispatcher
