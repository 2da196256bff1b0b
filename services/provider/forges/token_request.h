#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider {

// How a forge is shown a token.
struct TokenHeader {
  const char* name;
  const char* prefix;  // of the value: "token "
};

// Sends a request with the credential's token (else its password) and, if there
// is one, a JSON body; any answer is a result. Unauthenticated where the Secret
// holds neither; other errors as of ForgeCall::Send().
boost::asio::awaitable<absl::StatusOr<HttpResult>> SendWithToken(
    ForgeCall& call, TokenHeader header, std::string method, std::string url,
    std::string body);

}  // namespace lamplighter::provider
