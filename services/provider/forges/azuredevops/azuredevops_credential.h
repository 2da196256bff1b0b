#pragma once

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider::azuredevops {

// As Forge::CheckCredential(). Of a token the forge tells neither scopes nor
// end; what it may only read can be tried, what it may write cannot.
boost::asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>>
CheckCredential(ForgeCall& call);

}  // namespace lamplighter::provider::azuredevops
