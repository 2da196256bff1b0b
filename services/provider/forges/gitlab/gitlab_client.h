#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/http_client.h"
#include "services/provider/forges/forge_call.h"

// How GitLab is spoken to.
namespace lamplighter::provider::gitlab {

// Sends a request and notes what the answer says of the quota; whatever answer
// comes. `path` is below /api/v4, with its query; `body` is JSON, or empty for
// none. Unauthenticated, without a request, where there is no token.
boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(ForgeCall& call,
                                                        std::string method,
                                                        std::string path,
                                                        std::string body);

// The same, where any answer but a 2xx is the error that it means.
boost::asio::awaitable<absl::StatusOr<HttpResult>> Request(ForgeCall& call,
                                                           std::string method,
                                                           std::string path,
                                                           std::string body);

// The path of the call's repository: "/projects/group%2Fsub%2Frepo", since
// GitLab takes it for one element.
std::string ProjectPath(const ForgeCall& call);

// What an error's body says; empty if nothing.
std::string ErrorText(const std::string& body);

// What an answer that is no success means.
absl::Status StatusFromError(const ForgeCall& call, const HttpResult& answer);

}  // namespace lamplighter::provider::gitlab
