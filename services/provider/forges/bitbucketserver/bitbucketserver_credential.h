#pragma once

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider {

// As of Forge::CheckCredential. Bitbucket does not tell what a token was given,
// so it is looked at what it sees: the call's repository and its webhooks, or
// else whether there is any repository that it may read, or administer.
boost::asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>>
CheckBitbucketServerCredential(ForgeCall& call);

}  // namespace lamplighter::provider
