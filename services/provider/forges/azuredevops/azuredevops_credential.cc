#include "services/provider/forges/azuredevops/azuredevops_credential.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/provider/forges/azuredevops/azuredevops_client.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider::azuredevops {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;
using Response = v1::CheckCredentialResponse;

// Whom an organization with public projects sees in who shows no token.
constexpr char kAnonymous[] = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";

constexpr char kNoProjects[] =
    "The token may not list projects; give it the scope Project and Team "
    "(Read).";
constexpr char kEmpty[] =
    "The token sees no project; make its owner a member of one.";
constexpr char kNoCode[] =
    "The token may not read repositories; give it the scope Code (Read), and "
    "its owner access to the project.";
constexpr char kDisabled[] =
    "The repository is disabled, which the forge then has no statuses of; "
    "enable it in the project's settings.";

bool IsRefused(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
}

// Whom the token is; an error if it is nobody.
absl::StatusOr<Response> ReadUser(element connection) {
  element user;
  if (connection["authenticatedUser"].get(user)) return UnreadableAnswer();
  if (absl::EqualsIgnoreCase(StringAt(user, "id"), kAnonymous)) {
    return absl::UnauthenticatedError(
        "the forge sees nobody in it: the token is not valid");
  }
  Response response;
  response.set_login(StringAtPointer(user, "/properties/Account/$value"));
  if (response.login().empty()) {
    response.set_login(StringAt(user, "providerDisplayName"));
  }
  response.set_kind("personal access token");
  return response;
}

// Why the token cannot list repositories; empty if it can.
asio::awaitable<absl::StatusOr<std::string>> TryListing(ForgeCall& call) {
  Request request;
  request.path = "/_apis/projects?stateFilter=wellFormed&$top=1&$skip=0";
  const auto projects = co_await Send(call, std::move(request));
  if (IsRefused(projects.status())) co_return kNoProjects;
  if (!projects.ok()) co_return projects.status();
  simdjson::dom::parser parser;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const simdjson::dom::array list,
                                  ParseList(parser, projects->body));
  element first;
  if (list.at(0).get(first)) co_return kEmpty;
  const std::string project = StringAt(first, "id");
  if (!IsGuid(project)) co_return UnreadableAnswer();
  Request repositories;
  repositories.path = absl::StrCat("/", project, "/_apis/git/repositories");
  const auto answer = co_await Send(call, std::move(repositories));
  if (IsRefused(answer.status())) co_return kNoCode;
  if (!answer.ok()) co_return answer.status();
  co_return "";
}

// What is wrong with the call's repository; empty if nothing.
asio::awaitable<absl::StatusOr<std::string>> TryRepository(ForgeCall& call) {
  Request request;
  request.path = RepositoryPath(call);
  const auto answer = co_await Send(call, std::move(request));
  if (absl::IsNotFound(answer.status())) {
    co_return absl::StrCat("The token sees no repository ",
                           call.Quote(call.repository()),
                           "; correct the address, or give its owner access.");
  }
  if (IsRefused(answer.status())) co_return kNoCode;
  if (!answer.ok()) co_return answer.status();
  co_return ReadObject<std::string>(
      answer->body, [](element repository) -> absl::StatusOr<std::string> {
        return FlagAt(repository, "isDisabled") ? kDisabled : "";
      });
}

}  // namespace

asio::awaitable<absl::StatusOr<Response>> CheckCredential(ForgeCall& call) {
  Request request;
  request.path = "/_apis/connectionData";
  request.version = kPreview;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                  co_await Send(call, std::move(request)));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Response response,
                                  ReadObject<Response>(answer.body, &ReadUser));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::string problem,
                                  co_await TryListing(call));
  response.set_can_list_repositories(problem.empty() ? Response::YES
                                                     : Response::NO);
  if (!problem.empty()) response.add_problems(std::move(problem));
  if (call.repository().empty()) co_return response;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(problem, co_await TryRepository(call));
  if (problem.empty()) co_return response;
  response.set_can_set_statuses(Response::NO);
  if (problem != kNoCode || response.problems().empty()) {
    response.add_problems(std::move(problem));
  }
  co_return response;
}

}  // namespace lamplighter::provider::azuredevops
