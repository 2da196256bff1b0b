#include "services/provider/forges/azuredevops/azuredevops_repositories.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/forge/forge_location.h"
#include "common/status/macros.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/azuredevops/azuredevops_client.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider::azuredevops {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// A page asks for its projects at once, and for the repositories of one after
// the other, until it has enough. Those of one project always come all at once.
constexpr size_t kProjects = 10;
constexpr size_t kEnoughRepositories = 500;
// Far beyond what an organization may have.
constexpr int64_t kMostProjects = 1'000'000;

struct Project {
  std::string id;
  std::string name;
  v1::CatalogRepository::Visibility visibility;
};

// How far the list of projects was read. The forge counts them only; where
// others came or went before it meanwhile, the last one tells.
struct Position {
  int64_t projects = 0;
  std::string last_project;  // GUID
};

std::string ToToken(const Position& position) {
  return absl::StrCat(position.projects, ".", position.last_project);
}

absl::StatusOr<Position> FromToken(const std::string& token) {
  Position position;
  if (token.empty()) return position;
  const std::pair<absl::string_view, std::string> parts =
      absl::StrSplit(token, absl::MaxSplits('.', 1));
  if (!absl::SimpleAtoi(parts.first, &position.projects) ||
      position.projects < 1 || position.projects > kMostProjects ||
      !IsGuid(parts.second)) {
    return absl::InvalidArgumentError(
        "page_token: is not one of this list's; leave it empty to list from "
        "the start");
  }
  position.last_project = parts.second;
  return position;
}

v1::CatalogRepository::Visibility ReadVisibility(absl::string_view word) {
  if (word == "public") return v1::CatalogRepository::PUBLIC;
  if (word == "organization") return v1::CatalogRepository::INTERNAL;
  if (word == "private") return v1::CatalogRepository::PRIVATE;
  return v1::CatalogRepository::VISIBILITY_UNSPECIFIED;
}

struct ProjectPage {
  std::vector<Project> projects;  // after the position
  bool is_last = false;
};

absl::StatusOr<Project> ReadProject(element entry) {
  Project project;
  project.id = StringAt(entry, "id");
  project.name = StringAt(entry, "name");
  project.visibility = ReadVisibility(StringAt(entry, "visibility"));
  if (!IsGuid(project.id) || project.name.empty()) return UnreadableAnswer();
  return project;
}

absl::StatusOr<ProjectPage> ParseProjects(const HttpResult& answer,
                                          size_t wanted) {
  simdjson::dom::parser parser;
  LAMPLIGHTER_ASSIGN_OR_RETURN(const simdjson::dom::array list,
                               ParseList(parser, answer.body));
  ProjectPage page;
  for (const element entry : list) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(Project project, ReadProject(entry));
    page.projects.push_back(std::move(project));
  }
  const bool goes_on =
      !answer.headers.Find("x-ms-continuationtoken").value_or("").empty();
  if (page.projects.empty() && goes_on) return UnreadableAnswer();
  page.is_last = page.projects.size() < wanted && !goes_on;
  return page;
}

// Reads the last project of the position again, to know that it is still there.
asio::awaitable<absl::StatusOr<ProjectPage>> ReadProjects(ForgeCall& call,
                                                          Position position) {
  const bool goes_on = position.projects > 0;
  const size_t wanted = goes_on ? kProjects + 1 : kProjects;
  Request request;
  request.path =
      absl::StrCat("/_apis/projects?stateFilter=wellFormed&$top=", wanted,
                   "&$skip=", goes_on ? position.projects - 1 : 0);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                  co_await Send(call, std::move(request)));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(ProjectPage page,
                                  ParseProjects(answer, wanted));
  if (!goes_on) co_return page;
  std::vector<Project>& projects = page.projects;
  if (projects.empty() ||
      !absl::EqualsIgnoreCase(projects[0].id, position.last_project)) {
    co_return absl::InvalidArgumentError(
        "page_token: projects have come or gone before it; list from the "
        "start");
  }
  projects.erase(projects.begin());
  co_return page;
}

// Services put the organization in front of the host as a user's name.
std::string WithoutUser(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t at = url.find('@');
  if (scheme == std::string::npos || at == std::string::npos ||
      at > url.find('/', scheme + 3)) {
    return url;
  }
  return absl::StrCat(url.substr(0, scheme + 3), url.substr(at + 1));
}

absl::StatusOr<v1::CatalogRepository> ReadRepository(element entry,
                                                     const Project& project,
                                                     const std::string& site) {
  v1::CatalogRepository repository;
  const std::string name = StringAt(entry, "name");
  const std::string id = StringAt(entry, "id");
  if (!IsGuid(id) || name.empty()) return UnreadableAnswer();
  repository.set_path(absl::StrCat(project.name, "/", name));
  repository.set_repository_id(RepositoryId(ForgeLocation{
      .site = site, .account = "", .repository = repository.path()}));
  repository.set_forge_id(id);
  repository.set_name(name);
  repository.set_group(project.name);
  repository.set_group_forge_id(project.id);
  repository.set_visibility(project.visibility);
  const std::string page = absl::StrCat(site, "/", PercentEncode(project.name),
                                        "/_git/", PercentEncode(name));
  const std::string web_url = StringAt(entry, "webUrl");
  const std::string remote_url = StringAt(entry, "remoteUrl");
  repository.set_web_url(web_url.empty() ? page : web_url);
  repository.set_clone_url(remote_url.empty() ? page : WithoutUser(remote_url));
  repository.set_default_branch(std::string(
      absl::StripPrefix(StringAt(entry, "defaultBranch"), "refs/heads/")));
  repository.set_archived(FlagAt(entry, "isDisabled"));
  repository.set_fork(FlagAt(entry, "isFork"));
  return repository;
}

// The list of a project's repositories has no pages.
asio::awaitable<absl::Status> AddRepositories(ForgeCall& call, Project project,
                                              RepositoryPage& page) {
  Request request;
  request.path = absl::StrCat("/", project.id, "/_apis/git/repositories");
  absl::StatusOr<HttpResult> answer = co_await Send(call, std::move(request));
  if (absl::IsNotFound(answer.status())) {
    // Deleted a moment ago; the list of projects will not have it again.
    co_return absl::UnavailableError(
        absl::StrCat("project ", call.Quote(project.name),
                     " is listed but not there: ", answer.status().message()));
  }
  if (!answer.ok()) co_return answer.status();
  simdjson::dom::parser parser;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const simdjson::dom::array list,
                                  ParseList(parser, answer->body));
  for (const element entry : list) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        v1::CatalogRepository repository,
        ReadRepository(entry, project, call.site()));
    page.repositories.push_back(std::move(repository));
  }
  co_return absl::OkStatus();
}

// One that says which project it is of.
absl::StatusOr<v1::CatalogRepository> ReadWithProject(element entry,
                                                      const std::string& site) {
  element object;
  if (entry["project"].get(object)) return UnreadableAnswer();
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Project project, ReadProject(object));
  return ReadRepository(entry, project, site);
}

}  // namespace

asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
    ForgeCall& call, std::string page) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Position position, FromToken(page));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const ProjectPage list,
                                  co_await ReadProjects(call, position));
  RepositoryPage result;
  size_t done = 0;
  while (done < list.projects.size()) {
    const Project& project = list.projects[done];
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await AddRepositories(call, project, result));
    ++done;
    ++position.projects;
    position.last_project = project.id;
    // A forge that asks to be left alone is, after one project.
    if (done == kProjects || call.rate_limit() ||
        result.repositories.size() >= kEnoughRepositories) {
      break;
    }
  }
  if (done < list.projects.size() || !list.is_last) {
    result.next = ToToken(position);
  }
  co_return result;
}

asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
    ForgeCall& call) {
  Request request;
  request.path = RepositoryPath(call);
  const absl::StatusOr<HttpResult> answer =
      co_await Send(call, std::move(request));
  if (answer.ok()) {
    co_return ReadObject<v1::CatalogRepository>(
        answer->body,
        [&](element entry) { return ReadWithProject(entry, call.site()); });
  }
  if (!absl::IsNotFound(answer.status())) co_return answer.status();
  const std::pair<std::string, std::string> names =
      absl::StrSplit(call.repository(), absl::MaxSplits('/', 1));
  Request request_of_all;
  request_of_all.path =
      absl::StrCat("/", PercentEncode(names.first), "/_apis/git/repositories");
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult all, co_await Send(call, std::move(request_of_all)));
  simdjson::dom::parser parser;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const simdjson::dom::array list,
                                  ParseList(parser, all.body));
  for (const element entry : list) {
    if (absl::EqualsIgnoreCase(StringAt(entry, "name"), names.second)) {
      co_return ReadWithProject(entry, call.site());
    }
  }
  co_return answer.status();
}

}  // namespace lamplighter::provider::azuredevops
