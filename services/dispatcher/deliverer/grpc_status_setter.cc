#include "services/dispatcher/deliverer/grpc_status_setter.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/grpc/call_unary.h"
#include "common/grpc/grpc_channel.h"
#include "common/status/macros.h"
#include "grpcpp/client_context.h"

namespace lamplighter::dispatcher {

GrpcStatusSetter::GrpcStatusSetter(
    const std::map<std::string, std::string>& addresses, absl::Duration timeout,
    const Clock& clock, const ManifestSource& manifests)
    : timeout_(timeout), clock_(clock), manifests_(manifests) {
  for (const auto& [type, address] : addresses) {
    stubs_[type] = v1::ProviderService::NewStub(MakeChannel(address));
  }
}

v1::ProviderService::Stub* GrpcStatusSetter::StubFor(
    const v1::ProviderRef& ref) const {
  const Provider* provider =
      manifests_.Current()->FindProvider(ref.namespace_(), ref.name());
  auto it = provider == nullptr ? stubs_.end() : stubs_.find(provider->type);
  if (it == stubs_.end()) it = stubs_.find("default");
  return it == stubs_.end() ? nullptr : it->second.get();
}

boost::asio::awaitable<absl::StatusOr<v1::SetCommitStatusResponse>>
GrpcStatusSetter::Set(v1::SetCommitStatusRequest request) {
  const v1::ProviderRef& provider = request.intent().provider();
  v1::ProviderService::Stub* stub = StubFor(provider);
  if (stub == nullptr) {
    co_return absl::FailedPreconditionError(absl::StrCat(
        "no provider worker is configured for the type of Provider ",
        provider.namespace_(), "/", provider.name(),
        ": add it to dispatcher.providers"));
  }
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(clock_.Now() + timeout_));
  v1::SetCommitStatusResponse response;
  auto start = [&](UnaryDone done) {
    stub->async()->SetCommitStatus(&context, &request, &response,
                                   std::move(done));
  };
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await CallUnary(start));
  co_return response;
}

}  // namespace lamplighter::dispatcher
