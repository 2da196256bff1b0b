#include "services/dispatcher/provider_workers.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lamplighter::dispatcher {

ProviderWorkers::ProviderWorkers(const ProviderChannels& channels,
                                 const ManifestSource& manifests)
    : manifests_(manifests) {
  for (const auto& [type, channel] : channels) {
    stubs_[type] = v1::ProviderService::NewStub(channel);
  }
}

absl::StatusOr<v1::ProviderService::Stub*> ProviderWorkers::For(
    const v1::ProviderRef& ref) const {
  const auto manifests = manifests_.Current();
  const Provider* provider =
      manifests->FindProvider(ref.namespace_(), ref.name());
  auto it = provider == nullptr ? stubs_.end() : stubs_.find(provider->type);
  if (it == stubs_.end()) it = stubs_.find("default");
  if (it != stubs_.end()) return it->second.get();
  return absl::FailedPreconditionError(absl::StrCat(
      "no provider worker is configured for the type of Provider ",
      ref.namespace_(), "/", ref.name(), ": add it to dispatcher.providers"));
}

}  // namespace lamplighter::dispatcher
