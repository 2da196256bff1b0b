#include "services/provider/forges/gitea/gitea_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/token_request.h"

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
  co_return co_await SendWithToken(
      call, {"Authorization", "token "}, std::move(method),
      absl::StrCat(call.site(), "/api/v1", path), std::move(body));
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
