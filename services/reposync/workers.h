#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/grpc/provider_channels.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"

namespace lamplighter::reposync {

// The provider workers, by the type of forge that they serve. On the loop only.
class Workers {
 public:
  explicit Workers(const ProviderChannels& channels);
  // The one that serves `type`; lives as long as this. FailedPrecondition if
  // none is configured for it.
  absl::StatusOr<v1::ProviderService::Stub*> For(absl::string_view type) const;

  // All of them, with the types that each is to serve; "default" stands for the
  // rest.
  std::vector<std::pair<std::string, v1::ProviderService::Stub*>> All() const;

 private:
  std::map<std::string, std::unique_ptr<v1::ProviderService::Stub>> stubs_;
};

}  // namespace lamplighter::reposync
