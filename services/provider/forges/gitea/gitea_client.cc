#include "services/provider/forges/gitea/gitea_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/provider/forges/github_api.h"

namespace lamplighter::provider::gitea {

namespace asio = ::boost::asio;

std::string RepositoryPath(const ForgeCall& call) {
  return absl::StrCat("/repos/", EscapePaths(call.repository()));
}

absl::Status StatusFromError(const ForgeCall& call, const HttpResult& answer) {
  return StatusFromAnswer(answer, call.Quote(ErrorMessage(answer.body)),
                          call.Now());
}

asio::awaitable<absl::StatusOr<HttpResult>> Send(ForgeCall& call,
                                                 std::string method,
                                                 std::string path,
                                                 std::string body) {
  const Access& access = call.access();
  const std::string& token = access.credential.TokenOrPassword();
  if (token.empty()) {
    co_return absl::UnauthenticatedError(
        absl::StrCat("secret ", access.credential_name, " holds no token"));
  }
  HttpCall request;
  request.method = std::move(method);
  request.url = absl::StrCat(call.site(), "/api/v1", path);
  request.headers.Add("Accept", "application/json");
  request.headers.Add("Authorization", absl::StrCat("token ", token));
  if (!body.empty()) request.headers.Add("Content-Type", "application/json");
  request.body = std::move(body);
  const char* operation = request.method == "GET" ? "read" : "write";
  co_return co_await call.Send(operation, std::move(request));
}

asio::awaitable<absl::StatusOr<HttpResult>> Request(ForgeCall& call,
                                                    std::string method,
                                                    std::string path,
                                                    std::string body) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      HttpResult answer,
      co_await Send(call, std::move(method), std::move(path), std::move(body)));
  if (answer.status / 100 == 2) co_return answer;
  co_return StatusFromError(call, answer);
}

}  // namespace lamplighter::provider::gitea
