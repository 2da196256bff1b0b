#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/http_client.h"
#include "services/provider/forges/forge_call.h"

// How Gitea and Forgejo are spoken to.
namespace lamplighter::provider::gitea {

// Sends a request; whatever answer comes. `path` is below /api/v1, with its
// query; `body` is JSON, or empty for none. Unauthenticated, without a request,
// where there is no token.
boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(ForgeCall& call,
                                                        std::string method,
                                                        std::string path,
                                                        std::string body);

// The same, where any answer but a 2xx is the error that it means.
boost::asio::awaitable<absl::StatusOr<HttpResult>> Request(ForgeCall& call,
                                                           std::string method,
                                                           std::string path,
                                                           std::string body);

// The path of the call's repository: "/repos/owner/repo".
std::string RepositoryPath(const ForgeCall& call);

// What an answer that is no success means.
absl::Status StatusFromError(const ForgeCall& call, const HttpResult& answer);

}  // namespace lamplighter::provider::gitea
