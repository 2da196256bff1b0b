#pragma once

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider::gitea {

// As of Forge::CheckCredential(). A token's scopes show only in what it is
// refused, and none can be tried for writing: what the user may do is never a
// YES for statuses and webhooks.
boost::asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>>
CheckCredential(ForgeCall& call);

}  // namespace lamplighter::provider::gitea
