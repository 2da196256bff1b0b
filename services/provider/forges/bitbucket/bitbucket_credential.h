#pragma once

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider {

// As of Forge::CheckCredential, from GET /user, the head of the account's list
// and, where the call has one, the repository; and from the scopes that
// Bitbucket says in its answers' headers.
boost::asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>>
CheckBitbucketCredential(ForgeCall& call);

}  // namespace lamplighter::provider
