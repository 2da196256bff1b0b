#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/grpc/provider_channels.h"
#include "common/manifests/manifest_source.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"

namespace lamplighter::dispatcher {

// The provider workers, by the type of Provider that they serve. On the loop
// only.
class ProviderWorkers {
 public:
  // `manifests`, which tell the type of a Provider, must outlive this.
  ProviderWorkers(const ProviderChannels& channels,
                  const ManifestSource& manifests);

  // The one that serves `provider`; lives as long as this. FailedPrecondition
  // if none is configured for its type.
  absl::StatusOr<v1::ProviderService::Stub*> For(
      const v1::ProviderRef& provider) const;

 private:
  const ManifestSource& manifests_;
  std::map<std::string, std::unique_ptr<v1::ProviderService::Stub>> stubs_;
};

}  // namespace lamplighter::dispatcher
