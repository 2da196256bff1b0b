#include "services/provider/forges/token_request.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lamplighter::provider {

boost::asio::awaitable<absl::StatusOr<HttpResult>> SendWithToken(
    ForgeCall& call, TokenHeader header, std::string method, std::string url,
    std::string body) {
  const Access& access = call.access();
  const std::string& token = access.credential.TokenOrPassword();
  if (token.empty()) {
    co_return absl::UnauthenticatedError(
        absl::StrCat("secret ", access.credential_name, " holds no token"));
  }
  HttpCall request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.headers.Add("Accept", "application/json");
  request.headers.Add(header.name, absl::StrCat(header.prefix, token));
  if (!body.empty()) request.headers.Add("Content-Type", "application/json");
  request.body = std::move(body);
  const char* operation = request.method == "GET" ? "read" : "write";
  co_return co_await call.Send(operation, std::move(request));
}

}  // namespace lamplighter::provider
