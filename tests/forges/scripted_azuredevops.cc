#include "tests/forges/scripted_azuredevops.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/value.hpp"
#include "tests/forges/scripted_azuredevops_json.h"
#include "tests/forges/scripted_json.h"

namespace lamplighter {
namespace {

namespace json = ::boost::json;

constexpr size_t kRepositoriesOfAProject = 10;
constexpr size_t kMostStatuses = 1000;  // on a page

std::string CommitKey(const azuredevops::Path& path) {
  return absl::AsciiStrToLower(absl::StrCat(path.organization, "/",
                                            path.project, "/", path.repository,
                                            "@", path.sha));
}

}  // namespace

std::vector<HttpRoute> ScriptedAzureDevOps::ApiRoutes() {
  using A = ScriptedAzureDevOps;
  const std::string repositories = "/{project}/_apis/git/repositories";
  const std::string repository = absl::StrCat(repositories, "/{repository}");
  const std::string statuses =
      absl::StrCat(repository, "/commits/{sha}/statuses");
  const std::string hooks = "/_apis/hooks/subscriptions";
  const std::string hook = absl::StrCat(hooks, "/{id}");
  const struct {
    const char* method;
    std::string path;
    Handler handler;
  } kRoutes[] = {
      {"GET", "/_apis/connectionData", &A::ConnectionData},
      {"GET", "/_apis/projects", &A::ListProjects},
      {"GET", repositories, &A::ListRepositories},
      {"GET", repository, &A::GetRepository},
      {"POST", statuses, &A::PostStatus},
      {"GET", statuses, &A::ListStatuses},
      {"POST", hooks, &A::PostSubscription},
      {"GET", hooks, &A::GetSubscriptions},
      {"POST", absl::StrCat(hooks, "query"), &A::QuerySubscriptions},
      {"PUT", hook, &A::PutSubscription},
      {"DELETE", hook, &A::DeleteSubscription},
  };
  std::vector<HttpRoute> routes;
  for (const char* site : {"/{organization}", "/tfs/{collection}"}) {
    for (const auto& route : kRoutes) {
      routes.push_back(
          Route(route.method, absl::StrCat(site, route.path),
                [this, handler = route.handler](const HttpRequest& request,
                                                ScriptedCall& call) {
                  return (this->*handler)(request, call);
                }));
    }
  }
  return routes;
}

absl::optional<HttpResponse> ScriptedAzureDevOps::Refuse(
    const HttpRequest& request) {
  const std::string basic = absl::StrCat(
      "Basic ", absl::Base64Escape(absl::StrCat(":", options_.token)));
  if (!options_.token.empty() &&
      request.headers.Find("Authorization") != absl::string_view(basic)) {
    return SignIn();
  }
  return RefuseVersion(request);
}

HttpResponse ScriptedAzureDevOps::SignIn() const {
  HttpResponse response;
  response.status = options_.sign_in;
  if (response.status == 203) {
    response.content_type = "text/html; charset=utf-8";
    response.body = "<html><title>Azure DevOps | Sign In</title></html>";
  }
  if (response.status == 302) {
    response.headers.Add("Location", "https://signin.example.com/_signin");
  }
  return response;
}

absl::optional<HttpResponse> ScriptedAzureDevOps::RefuseVersion(
    const HttpRequest& request) const {
  std::string asked = QueryValue(request.query, "api-version").value_or("");
  const std::pair<absl::string_view, absl::string_view> accept = absl::StrSplit(
      request.headers.Find("Accept").value_or(""), ";api-version=");
  if (asked.empty()) asked = std::string(accept.second);
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(asked, absl::MaxSplits('-', 1));
  double version = 0;
  if (!absl::SimpleAtod(parts.first, &version)) {
    return Error(400, absl::StrCat("No api-version was supplied for the \"",
                                   request.method, "\" request."));
  }
  if (version > options_.newest_version) {
    return Error(400, absl::StrCat("The requested REST API version of ", asked,
                                   " is out of range for this server."));
  }
  if (parts.second.empty() && absl::EndsWith(request.path, "connectionData")) {
    return Error(400, absl::StrCat("The requested version \"", asked,
                                   "\" of the resource is under preview. The "
                                   "-preview flag must be supplied."));
  }
  return absl::nullopt;
}

HttpResponse ScriptedAzureDevOps::Error(int status,
                                        absl::string_view message) const {
  return Json(status, json::object{{"$id", "1"},
                                   {"innerException", nullptr},
                                   {"message", std::string(message)},
                                   {"errorCode", 0},
                                   {"eventId", 3000}});
}

HttpResponse ScriptedAzureDevOps::RateLimited(absl::Time until) const {
  HttpResponse response = ScriptedForge::RateLimited(until);
  response.body =
      Error(429,
            "TF400733: The request has been canceled: Request was blocked due "
            "to exceeding usage of resource <NewTfsCore>.")
          .body;
  return response;
}

// Its headers count load, not requests.
void ScriptedAzureDevOps::Finish(HttpResponse& response) {
  if (delayed_ == 0 || response.status != 200) return;
  --delayed_;
  response.headers.Add("Retry-After",
                       absl::StrCat(absl::ToInt64Seconds(retry_after_)));
  response.headers.Add("X-RateLimit-Resource", "ATPrimary");
  response.headers.Add("X-RateLimit-Delay", "1.5");
  response.headers.Add("X-RateLimit-Limit", "200");
  response.headers.Add("X-RateLimit-Remaining", "0");
}

std::string ScriptedAzureDevOps::Counts() const {
  return absl::StrCat("\"statuses\":", statuses_.statuses(),
                      ",\"subscriptions\":", hooks_.all().size(), ",");
}

void ScriptedAzureDevOps::Clear() {
  statuses_.Clear();
  hooks_.Clear();
  repositories_ = 0;
  removed_.clear();
  delayed_ = 0;
}

HttpResponse ScriptedAzureDevOps::ConnectionData(const HttpRequest& /*request*/,
                                                 ScriptedCall& /*call*/) {
  return JsonResponse(
      200,
      R"({"authenticatedUser":{"id":"d6245f20-2af8-44f4-9451-8107cb2767db",)"
      R"("providerDisplayName":"Ada Example","isActive":true,"properties":)"
      R"({"Account":{"$type":"System.String","$value":"ada@example.com"}}},)"
      R"("deploymentType":"onPremises"})");
}

size_t ScriptedAzureDevOps::projects() const {
  return (repositories_ + kRepositoriesOfAProject - 1) /
         kRepositoriesOfAProject;
}

HttpResponse ScriptedAzureDevOps::ListProjects(const HttpRequest& request,
                                               ScriptedCall& /*call*/) {
  const size_t top =
      std::min(QueryNumber(request.query, "$top", 100), options_.max_projects);
  const size_t skip =
      QueryNumber(request.query, "continuationToken",
                  QueryNumber(request.query, "$skip", 0, /*least=*/0));
  std::vector<std::string> page;
  size_t position = 0;
  bool goes_on = false;
  for (size_t i = 0; i < projects(); ++i) {
    if (removed_.contains(i) || position++ < skip) continue;
    goes_on = page.size() == top;
    if (goes_on) break;
    page.push_back(azuredevops::ProjectJson(absl::StrCat("Project ", i)));
  }
  HttpResponse response = JsonResponse(200, azuredevops::ListJson(page));
  if (goes_on) {
    response.headers.Add("x-ms-continuationtoken",
                         absl::StrCat(skip + page.size()));
  }
  return response;
}

HttpResponse ScriptedAzureDevOps::ListRepositories(const HttpRequest& request,
                                                   ScriptedCall& /*call*/) {
  azuredevops::Path path = azuredevops::PathOf(request);
  const auto project = azuredevops::NumberOfProject(path.project);
  if (project && (removed_.contains(*project) || *project >= projects())) {
    return Error(404, "TF200016: The following project does not exist.");
  }
  std::vector<std::string> page;
  const size_t begin = project ? *project * kRepositoriesOfAProject : 0;
  const size_t end =
      project ? std::min(begin + kRepositoriesOfAProject, repositories_) : 0;
  for (size_t i = begin; i < end; ++i) {
    path.repository = absl::StrCat("repo-", i);
    page.push_back(azuredevops::RepositoryJson(request, path));
  }
  return JsonResponse(200, azuredevops::ListJson(page));
}

HttpResponse ScriptedAzureDevOps::GetRepository(const HttpRequest& request,
                                                ScriptedCall& /*call*/) {
  const azuredevops::Path path = azuredevops::PathOf(request);
  if (azuredevops::IsDisabled(path.repository)) {
    return Error(404, "TF401019: The Git repository is disabled.");
  }
  return JsonResponse(200, azuredevops::RepositoryJson(request, path));
}

HttpResponse ScriptedAzureDevOps::PostStatus(const HttpRequest& request,
                                             ScriptedCall& call) {
  static constexpr std::array<absl::string_view, 6> kStates = {
      "notSet", "notApplicable", "pending", "succeeded", "failed", "error"};
  const azuredevops::Path path = azuredevops::PathOf(request);
  if (azuredevops::IsDisabled(path.repository)) {
    return Error(404, "TF401019: The Git repository is disabled.");
  }
  if (!IsKnownCommit(path.sha)) {
    return Error(404, "TF401175: The commit does not exist.");
  }
  const auto body = ReadBody(request);
  if (!body) return Error(400, "The body is not what it should be.");
  const json::value* context = body->if_contains("context");
  if (context == nullptr || !context->is_object() ||
      TextAt(context->get_object(), "name").empty()) {
    return Error(400, "Value cannot be null. Parameter name: Context.Name");
  }
  ScriptedStatus status;
  const std::string genre = TextAt(context->get_object(), "genre");
  const std::string name = TextAt(context->get_object(), "name");
  status.context = azuredevops::StoredContext(genre, name);
  status.state = TextAt(*body, "state");
  status.description = TextAt(*body, "description");
  status.target_url = TextAt(*body, "targetUrl");
  status.created_at = call.at;
  call.context = absl::StrCat(genre, "/", name);
  call.state = status.state;
  call.description = status.description;
  if (!absl::c_linear_search(kStates, status.state)) {
    return Error(400, "The state is none of a status.");
  }
  const ScriptedStatus* added =
      statuses_.Add(CommitKey(path), std::move(status));
  if (added == nullptr) return Error(500, "The script keeps no more of these.");
  return JsonResponse(200, azuredevops::StatusJson(*added));
}

// In no stated order: oldest first, which is no help.
HttpResponse ScriptedAzureDevOps::ListStatuses(const HttpRequest& request,
                                               ScriptedCall& /*call*/) {
  const azuredevops::Path path = azuredevops::PathOf(request);
  if (azuredevops::IsDisabled(path.repository)) {
    return Error(404, "TF401019: The Git repository is disabled.");
  }
  std::vector<const ScriptedStatus*> all;
  if (QueryValue(request.query, "latestOnly") == "true") {
    all = statuses_.Newest(CommitKey(path));
    std::reverse(all.begin(), all.end());
  } else {
    for (const ScriptedStatus& status : statuses_.History(CommitKey(path))) {
      all.push_back(&status);
    }
  }
  const size_t top =
      std::min(QueryNumber(request.query, "top", kMostStatuses), kMostStatuses);
  const size_t skip = QueryNumber(request.query, "skip", 0, /*least=*/0);
  std::vector<std::string> page;
  for (size_t i = skip; i < all.size() && page.size() < top; ++i) {
    page.push_back(azuredevops::StatusJson(*all[i]));
  }
  return JsonResponse(200, azuredevops::ListJson(page));
}

HttpResponse ScriptedAzureDevOps::Answer(
    const absl::StatusOr<json::object>& subscription) const {
  if (subscription.ok()) {
    return Json(200, *subscription);
  }
  return Error(absl::IsNotFound(subscription.status()) ? 404 : 400,
               subscription.status().message());
}

absl::optional<HttpResponse> ScriptedAzureDevOps::RefuseEdit() const {
  if (options_.can_edit_subscriptions) return absl::nullopt;
  return Error(403,
               "Access denied: Ada Example needs the following "
               "permissions: EditSubscriptions");
}

HttpResponse ScriptedAzureDevOps::PostSubscription(const HttpRequest& request,
                                                   ScriptedCall& /*call*/) {
  if (auto refused = RefuseEdit()) return *std::move(refused);
  auto body = ReadBody(request);
  if (!body) return Error(400, "The body is not what it should be.");
  return Answer(hooks_.Add(*std::move(body)));
}

HttpResponse ScriptedAzureDevOps::PutSubscription(const HttpRequest& request,
                                                  ScriptedCall& /*call*/) {
  if (auto refused = RefuseEdit()) return *std::move(refused);
  auto body = ReadBody(request);
  if (!body) return Error(400, "The body is not what it should be.");
  return Answer(hooks_.Replace(request.path_params[1], *std::move(body)));
}

HttpResponse ScriptedAzureDevOps::GetSubscriptions(const HttpRequest& request,
                                                   ScriptedCall& /*call*/) {
  json::object query;
  for (const char* field :
       {"publisherId", "eventType", "consumerId", "consumerActionId"}) {
    query[field] = QueryValue(request.query, field).value_or("");
  }
  json::array found = hooks_.Find(query);
  return Json(
      200, json::object{{"count", found.size()}, {"value", std::move(found)}});
}

HttpResponse ScriptedAzureDevOps::QuerySubscriptions(const HttpRequest& request,
                                                     ScriptedCall& /*call*/) {
  auto query = ReadBody(request);
  if (!query) return Error(400, "The body is not what it should be.");
  query->insert_or_assign("results", hooks_.Find(*query));
  return Json(200, *query);
}

HttpResponse ScriptedAzureDevOps::DeleteSubscription(const HttpRequest& request,
                                                     ScriptedCall& /*call*/) {
  if (auto refused = RefuseEdit()) return *std::move(refused);
  if (hooks_.Remove(request.path_params[1])) return NoContent();
  return Error(404, "There is no such subscription.");
}

}  // namespace lamplighter
