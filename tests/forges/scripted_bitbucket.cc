#include "tests/forges/scripted_bitbucket.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "tests/forges/scripted_bitbucket_json.h"
#include "tests/forges/scripted_json.h"

namespace lamplighter {
namespace {

namespace json = ::boost::json;

constexpr size_t kMaxKey = 40;
constexpr size_t kMaxName = 255;
constexpr size_t kMaxSecret = 128;
constexpr size_t kMaxWebhooks = 50;
constexpr size_t kMaxPage = 100;

std::string RepositoryOf(const HttpRequest& request) {
  return absl::StrCat(request.path_params[0], "/", request.path_params[1]);
}

std::string CommitOf(const HttpRequest& request) {
  return absl::StrCat(RepositoryOf(request), "@", request.path_params[2]);
}

// {"type":"error","error":{"message":"...","fields":{"key":["..."]}}}.
HttpResponse FieldError(absl::string_view field, absl::string_view problem) {
  const std::string text(problem);
  json::object error;
  error["message"] = absl::StrCat(field, ": ", text);
  error["fields"] = json::object{{std::string(field), json::array{text}}};
  return Json(400, json::object{{"type", "error"}, {"error", error}});
}

absl::optional<HttpResponse> WhatIsWrong(const BitbucketBuild& build) {
  static constexpr std::array<absl::string_view, 4> kStates = {
      "INPROGRESS", "SUCCESSFUL", "FAILED", "STOPPED"};
  if (build.key.empty()) return FieldError("key", "This field is required.");
  if (build.key.size() > kMaxKey) {
    return FieldError(
        "key",
        absl::StrCat("Ensure this value has at most 40 characters (it has ",
                     build.key.size(), ")."));
  }
  if (!absl::c_linear_search(kStates, build.state)) {
    return FieldError("state", "Select a valid choice.");
  }
  if (CountCharacters(build.name) > kMaxName) {
    return FieldError("name", "Ensure this value has at most 255 characters.");
  }
  absl::string_view host = build.url;
  const bool is_web = absl::ConsumePrefix(&host, "https://") ||
                      absl::ConsumePrefix(&host, "http://");
  if (!is_web || !absl::StrContains(host.substr(0, host.find('/')), '.')) {
    return FieldError("url", "Enter a valid URL.");
  }
  return absl::nullopt;
}

absl::optional<BitbucketWebhook> ReadWebhook(const HttpRequest& request) {
  const auto object = ReadBody(request);
  auto webhook = object ? ReadBitbucketWebhook(*object) : absl::nullopt;
  if (!webhook) return absl::nullopt;
  webhook->name = TextAt(*object, "description");
  webhook->secret = TextAt(*object, "secret");
  return webhook;
}

// A page of `size` values, of which `make` gives each; `next` says no more than
// where it goes on, in no way that a client could have made up.
HttpResponse Page(const HttpRequest& request, size_t size,
                  const std::function<json::object(size_t)>& make) {
  const size_t length = QueryNumber(request.query, "pagelen", 10);
  if (length > kMaxPage) return FieldError("pagelen", "Invalid pagelen");
  size_t begin = 0;
  if (const auto after = QueryValue(request.query, "after")) {
    if (!absl::SimpleHexAtoi(*after, &begin)) {
      return FieldError("after", "Invalid page");
    }
  }
  const size_t end = std::min(size, begin + length);
  json::array values;
  for (size_t i = begin; i < end; ++i) values.push_back(make(i));
  json::object out;
  out["pagelen"] = length;
  out["values"] = std::move(values);
  if (end < size) {
    const auto role = QueryValue(request.query, "role");
    out["next"] = absl::StrCat(
        "http://", request.headers.Find("Host").value_or("localhost"),
        request.path, "?pagelen=", length, role ? "&role=" : "",
        role.value_or(""), "&after=", absl::Hex(end));
  }
  return Json(200, out);
}

// What a repository is at least listed for.
BitbucketAccess AccessOf(absl::string_view role) {
  if (role == "admin") return BitbucketAccess::kAdmin;
  return role == "contributor" ? BitbucketAccess::kWrite
                               : BitbucketAccess::kRead;
}

}  // namespace

std::vector<HttpRoute> ScriptedBitbucket::ApiRoutes() {
  using B = ScriptedBitbucket;
  const std::string repository = "/2.0/repositories/{workspace}/{repo}";
  const std::string statuses = repository + "/commit/{sha}/statuses";
  const struct {
    const char* method;
    std::string path;
    Handler handler;
  } kRoutes[] = {
      {"GET", "/2.0/user", &B::GetUser},
      {"GET", "/2.0/user/workspaces", &B::ListWorkspaces},
      {"GET", "/2.0/user/permissions/repositories", &B::Gone},
      {"GET", "/2.0/repositories", &B::Gone},
      {"GET", "/2.0/repositories/{workspace}", &B::ListRepositories},
      {"GET", repository, &B::GetRepository},
      {"POST", statuses + "/build", &B::SetBuild},
      {"GET", statuses + "/build/{key}", &B::GetBuild},
      {"GET", statuses, &B::ListBuilds},
      {"GET", repository + "/hooks", &B::ListWebhooks},
      {"POST", repository + "/hooks", &B::AddWebhook},
      {"PUT", repository + "/hooks/{uuid}", &B::SetWebhook},
      {"DELETE", repository + "/hooks/{uuid}", &B::DeleteWebhook},
  };
  std::vector<HttpRoute> routes;
  for (const auto& route : kRoutes) {
    routes.push_back(Route(route.method, route.path,
                           [this, handler = route.handler](
                               const HttpRequest& request, ScriptedCall& call) {
                             return (this->*handler)(request, call);
                           }));
  }
  return routes;
}

absl::optional<HttpResponse> ScriptedBitbucket::Refuse(
    const HttpRequest& request) {
  const auto sent = request.headers.Find("Authorization").value_or("");
  if (options_.token.empty() ||
      sent == BitbucketAuthorizationOf(options_.token)) {
    return absl::nullopt;
  }
  return Error(
      401, "Token is invalid, expired, or not supported for this endpoint.");
}

HttpResponse ScriptedBitbucket::Error(int status,
                                      absl::string_view message) const {
  json::object error;
  error["message"] = std::string(message);
  return Json(status, json::object{{"type", "error"}, {"error", error}});
}

// It does not say until when.
HttpResponse ScriptedBitbucket::RateLimited(absl::Time /*until*/) const {
  HttpResponse response =
      Error(429, "Rate limit for this resource has been exceeded");
  response.headers.Add("X-RateLimit-Limit", "1000");
  response.headers.Add("X-RateLimit-Resource", "api");
  return response;
}

void ScriptedBitbucket::Finish(HttpResponse& response) {
  if (response.status == 401) return;
  response.headers.Add("X-OAuth-Scopes", options_.scopes);
}

std::string ScriptedBitbucket::Counts() const {
  return absl::StrCat("\"statuses\":", builds_.size(), ",");
}

void ScriptedBitbucket::Clear() {
  builds_.Clear();
  webhooks_.Clear();
}

bool ScriptedBitbucket::HasAccessToken(const HttpRequest& request) const {
  return absl::StartsWith(request.headers.Find("Authorization").value_or(""),
                          "Bearer ");
}

HttpResponse ScriptedBitbucket::SetBuild(const HttpRequest& request,
                                         ScriptedCall& call) {
  if (!IsKnownCommit(request.path_params[2])) {
    return Error(404, "Commit not found");
  }
  absl::optional<BitbucketBuild> build = ReadBitbucketBuild(request);
  if (!build) return Error(400, "Invalid JSON");
  call.context = build->key;
  call.state = build->state;
  call.description = build->description;
  if (auto wrong = WhatIsWrong(*build)) return *std::move(wrong);
  // What is in braces is a template.
  build->url = absl::StrReplaceAll(
      build->url, {{"{repository.full_name}", RepositoryOf(request)}});
  return Json(201, BitbucketBuildJson(builds_.Set(CommitOf(request),
                                                  *std::move(build), call.at)));
}

HttpResponse ScriptedBitbucket::GetBuild(const HttpRequest& request,
                                         ScriptedCall& /*call*/) {
  const BitbucketBuild* build =
      builds_.Find(CommitOf(request), "", request.path_params[3]);
  if (build == nullptr) return Error(404, "Resource not found");
  return Json(200, BitbucketBuildJson(*build));
}

HttpResponse ScriptedBitbucket::ListBuilds(const HttpRequest& request,
                                           ScriptedCall& /*call*/) {
  const std::vector<BitbucketBuild>& builds = builds_.Of(CommitOf(request));
  return Page(request, builds.size(),
              [&](size_t i) { return BitbucketBuildJson(builds[i]); });
}

HttpResponse ScriptedBitbucket::GetUser(const HttpRequest& /*request*/,
                                        ScriptedCall& /*call*/) {
  return JsonResponse(
      200, R"({"type":"user","username":"bot","display_name":"The Bot"})");
}

HttpResponse ScriptedBitbucket::ListWorkspaces(const HttpRequest& request,
                                               ScriptedCall& /*call*/) {
  if (HasAccessToken(request)) {
    return Error(403, "This token has no access to workspaces.");
  }
  std::vector<std::string> slugs;
  for (const Workspace& workspace : workspaces_) {
    slugs.push_back(workspace.slug);
  }
  absl::c_sort(slugs);
  return Page(request, slugs.size(), [&](size_t i) {
    return json::object{{"type", "workspace_access"},
                        {"administrator", false},
                        {"workspace", {{"slug", slugs[i]}}}};
  });
}

HttpResponse ScriptedBitbucket::ListRepositories(const HttpRequest& request,
                                                 ScriptedCall& /*call*/) {
  const std::string& slug = request.path_params[0];
  const auto workspace = absl::c_find_if(
      workspaces_, [&](const Workspace& w) { return w.slug == slug; });
  if (workspace == workspaces_.end()) {
    return Error(404,
                 absl::StrCat("No workspace with identifier '", slug, "'."));
  }
  const auto role = QueryValue(request.query, "role");
  if (role && HasAccessToken(request)) {
    return Page(request, 0, [](size_t) { return json::object(); });
  }
  const BitbucketAccess access = AccessOf(role.value_or(""));
  if (const auto filter = QueryValue(request.query, "q")) {
    std::vector<size_t> found;
    for (size_t i = 0; i < workspace->repositories; ++i) {
      if (BitbucketAccessTo(i) >= access &&
          *filter ==
              absl::StrCat("name=\"", BitbucketRepositoryName(i), "\"")) {
        found.push_back(i);
      }
    }
    return Page(request, found.size(), [&](size_t i) {
      return BitbucketRepositoryJson(slug, found[i]);
    });
  }
  return Page(request, BitbucketCountWith(access, workspace->repositories),
              [&](size_t i) {
                return BitbucketRepositoryJson(slug,
                                               BitbucketIndexWith(access, i));
              });
}

HttpResponse ScriptedBitbucket::GetRepository(const HttpRequest& request,
                                              ScriptedCall& /*call*/) {
  absl::string_view digits = request.path_params[1];
  size_t index = 0;
  if (absl::ConsumePrefix(&digits, "repo-") &&
      absl::SimpleAtoi(digits, &index)) {
    return Json(200, BitbucketRepositoryJson(request.path_params[0], index));
  }
  json::object repository = BitbucketRepositoryJson(request.path_params[0], 0);
  repository["full_name"] = RepositoryOf(request);
  repository["name"] = request.path_params[1];
  return Json(200, repository);
}

HttpResponse ScriptedBitbucket::Gone(const HttpRequest& /*request*/,
                                     ScriptedCall& /*call*/) {
  return Error(410, "This API is gone: see CHANGE-2770.");
}

HttpResponse ScriptedBitbucket::ListWebhooks(const HttpRequest& request,
                                             ScriptedCall& /*call*/) {
  if (BitbucketAccessTo(request.path_params[1]) != BitbucketAccess::kAdmin) {
    return Error(403, "You may not access the webhooks.");
  }
  const auto& webhooks = webhooks_.Of(RepositoryOf(request));
  return Page(request, webhooks.size(),
              [&](size_t i) { return BitbucketWebhookJson(webhooks[i]); });
}

HttpResponse ScriptedBitbucket::AddWebhook(const HttpRequest& request,
                                           ScriptedCall& /*call*/) {
  if (BitbucketAccessTo(request.path_params[1]) != BitbucketAccess::kAdmin) {
    return Error(403, "You may not install webhooks.");
  }
  auto webhook = ReadWebhook(request);
  if (!webhook) return Error(400, "url and events are required");
  if (webhook->secret.size() > kMaxSecret) {
    return FieldError("secret", "Ensure this value has at most 128 characters");
  }
  const std::string repository = RepositoryOf(request);
  if (webhooks_.Of(repository).size() >= kMaxWebhooks) {
    return Error(400, "Too many webhooks");
  }
  return Json(201, BitbucketWebhookJson(
                       webhooks_.Add(repository, *std::move(webhook))));
}

HttpResponse ScriptedBitbucket::SetWebhook(const HttpRequest& request,
                                           ScriptedCall& /*call*/) {
  BitbucketWebhook* const known = webhooks_.Find(
      RepositoryOf(request), BitbucketWebhookId(request.path_params[2]));
  if (known == nullptr) return Error(404, "Webhook not found");
  auto webhook = ReadWebhook(request);
  if (!webhook) return Error(400, "url and events are required");
  webhook->id = known->id;
  if (webhook->secret.empty()) webhook->secret = known->secret;
  *known = *std::move(webhook);
  return Json(200, BitbucketWebhookJson(*known));
}

HttpResponse ScriptedBitbucket::DeleteWebhook(const HttpRequest& request,
                                              ScriptedCall& /*call*/) {
  const bool was_there = webhooks_.Remove(
      RepositoryOf(request), BitbucketWebhookId(request.path_params[2]));
  return was_there ? NoContent() : Error(404, "Webhook not found");
}

}  // namespace lamplighter
