#include "services/provider/forges/gitea/gitea_credential.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/http/http_client.h"
#include "common/status/macros.h"
#include "services/provider/forges/gitea/gitea_client.h"
#include "services/provider/forges/gitea/gitea_repositories.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider::gitea {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;
using Access = v1::CatalogRepository::Access;
using Response = v1::CheckCredentialResponse;

constexpr absl::string_view kRemedy =
    "make one with the scopes read:user and write:repository.";

// The answer to a question that the forge may refuse (403) or know nothing of
// (404); any other but a 2xx is an error.
asio::awaitable<absl::StatusOr<HttpResult>> Ask(ForgeCall& call,
                                                std::string path) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(HttpResult answer,
                                  co_await Send(call, "GET", path, ""));
  const bool is_refusal = answer.status == 403 || answer.status == 404;
  if (answer.status / 100 == 2 || is_refusal) co_return answer;
  co_return StatusFromError(call, answer);
}

std::string Refused(const ForgeCall& call, absl::string_view what,
                    const HttpResult& answer) {
  return absl::StrCat("The token ", what, " (",
                      call.Quote(ErrorMessage(answer.body)), "): ", kRemedy);
}

absl::StatusOr<std::string> ReadText(const HttpResult& answer,
                                     const char* key) {
  return ReadObject<std::string>(
      answer.body, [key](element root) -> absl::StatusOr<std::string> {
        return StringAt(root, key);
      });
}

asio::awaitable<absl::Status> AskForUser(ForgeCall& call, Response& response) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                  co_await Ask(call, "/user"));
  if (answer.status / 100 != 2) {
    response.add_problems(Refused(call, "may not ask whose it is", answer));
    co_return absl::OkStatus();
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(*response.mutable_login(),
                                  ReadText(answer, "login"));
  response.set_kind("access token");
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> AskForVersion(ForgeCall& call,
                                            Response& response) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                  co_await Ask(call, "/version"));
  if (answer.status / 100 != 2) co_return absl::OkStatus();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(*response.mutable_forge_version(),
                                  ReadText(answer, "version"));
  co_return absl::OkStatus();
}

asio::awaitable<absl::Status> TryToList(ForgeCall& call, Response& response) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                  co_await Ask(call, "/user/repos?limit=1"));
  if (answer.status / 100 == 2) {
    response.set_can_list_repositories(Response::YES);
    co_return absl::OkStatus();
  }
  response.set_can_list_repositories(Response::NO);
  response.add_problems(Refused(call, "may not list repositories", answer));
  co_return absl::OkStatus();
}

void JudgeAccess(Access access, absl::string_view repository,
                 Response& response) {
  if (access == v1::CatalogRepository::ACCESS_UNSPECIFIED) return;
  if (access == v1::CatalogRepository::READ) {
    response.set_can_set_statuses(Response::NO);
    response.add_problems(
        absl::StrCat("The user may not write to ", repository,
                     ", which setting statuses takes: let it."));
  }
  if (access != v1::CatalogRepository::ADMIN) {
    response.set_can_manage_webhooks(Response::NO);
    response.add_problems(
        absl::StrCat("The user is not an administrator of ", repository,
                     ", which managing webhooks takes: make it one."));
  }
}

asio::awaitable<absl::Status> LookAtRepository(ForgeCall& call,
                                               Response& response) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                  co_await Ask(call, RepositoryPath(call)));
  if (answer.status == 404) {
    response.add_problems(
        absl::StrCat("The token's user sees no repository ", call.repository(),
                     ": make it a collaborator, or mend the address."));
    co_return absl::OkStatus();
  }
  if (answer.status == 403) {
    response.add_problems(Refused(call, "may not read repositories", answer));
    co_return absl::OkStatus();
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const Access access,
      ReadObject<Access>(answer.body,
                         [](element root) -> absl::StatusOr<Access> {
                           return AccessOf(root);
                         }));
  JudgeAccess(access, call.repository(), response);
  co_return absl::OkStatus();
}

}  // namespace

asio::awaitable<absl::StatusOr<Response>> CheckCredential(ForgeCall& call) {
  Response response;
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await AskForUser(call, response));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await AskForVersion(call, response));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await TryToList(call, response));
  if (!call.repository().empty()) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await LookAtRepository(call, response));
  }
  co_return response;
}

}  // namespace lamplighter::provider::gitea
