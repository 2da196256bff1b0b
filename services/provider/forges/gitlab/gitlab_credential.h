#pragma once

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider::gitlab {

// As of Forge::CheckCredential(). What depends on a project is said of the
// call's repository; of an account, it is YES if it holds for one project.
boost::asio::awaitable<absl::StatusOr<v1::CheckCredentialResponse>>
CheckCredential(ForgeCall& call);

}  // namespace lamplighter::provider::gitlab
