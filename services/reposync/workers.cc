#include "services/reposync/workers.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lamplighter::reposync {

Workers::Workers(const ProviderChannels& channels) {
  for (const auto& [type, channel] : channels) {
    stubs_[type] = v1::ProviderService::NewStub(channel);
  }
}

absl::StatusOr<v1::ProviderService::Stub*> Workers::For(
    absl::string_view type) const {
  auto it = stubs_.find(std::string(type));
  if (it == stubs_.end()) it = stubs_.find("default");
  if (it != stubs_.end()) return it->second.get();
  return absl::FailedPreconditionError(
      absl::StrCat("no provider worker is configured for type ", type,
                   ": add it to reposync.providers"));
}

std::vector<std::pair<std::string, v1::ProviderService::Stub*>> Workers::All()
    const {
  std::vector<std::pair<std::string, v1::ProviderService::Stub*>> all;
  for (const auto& [type, stub] : stubs_) all.emplace_back(type, stub.get());
  return all;
}

}  // namespace lamplighter::reposync
