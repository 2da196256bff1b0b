#include "services/provider/forges/gitlab/gitlab_projects.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/forge/forge_location.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "services/provider/forges/gitlab/gitlab_client.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/forges/paging.h"

namespace lamplighter::provider::gitlab {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// By keyset: pages by number end at 50,000 projects.
constexpr char kList[] =
    "/projects?membership=true&simple=false&pagination=keyset&order_by=id&"
    "sort=asc&per_page=100";
// What tells one page from another in GitLab's links; a server that knows no
// keysets numbers its pages.
constexpr absl::string_view kPositions[] = {"cursor", "id_after", "page"};

// GitLab's levels of membership.
constexpr int64_t kDeveloper = 30;
constexpr int64_t kMaintainer = 40;

// True for a field of a query that says where a page begins, and that is fit to
// be part of one as it is.
bool IsPosition(absl::string_view field) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(field, absl::MaxSplits('=', 1));
  return absl::c_linear_search(kPositions, parts.first) &&
         !parts.second.empty() && absl::c_all_of(parts.second, [](char c) {
           return absl::ascii_isalnum(c) || absl::StrContains("-._~%=", c);
         });
}

// The rest of the link is not for us to follow: a server behind a proxy may
// think that it is somewhere else.
absl::StatusOr<std::string> NextToken(const HttpHeaders& headers) {
  const auto query = NextPageQuery(headers);
  if (!query) return std::string();
  for (const absl::string_view position : kPositions) {
    for (const absl::string_view field : absl::StrSplit(*query, '&')) {
      if (absl::StartsWith(field, absl::StrCat(position, "=")) &&
          IsPosition(field)) {
        return std::string(field);
      }
    }
  }
  return absl::UnavailableError(
      "the forge's link to the next page does not say where it begins");
}

v1::CatalogRepository::Visibility VisibilityOf(element project) {
  const std::string word = StringAt(project, "visibility");
  if (word == "public") return v1::CatalogRepository::PUBLIC;
  if (word == "internal") return v1::CatalogRepository::INTERNAL;
  if (word == "private") return v1::CatalogRepository::PRIVATE;
  return v1::CatalogRepository::VISIBILITY_UNSPECIFIED;
}

absl::StatusOr<v1::CatalogRepository> ReadProject(const ForgeCall& call,
                                                  element project) {
  v1::CatalogRepository repository;
  repository.set_forge_id(IdAt(project, "id"));
  repository.set_path(StringAt(project, "path_with_namespace"));
  if (repository.forge_id().empty() ||
      !absl::StrContains(repository.path(), '/')) {
    return UnreadableAnswer();
  }
  repository.set_repository_id(RepositoryId(
      {.site = call.site(), .account = "", .repository = repository.path()}));
  repository.set_name(StringAt(project, "name"));
  element group;
  if (!project["namespace"].get(group)) {
    repository.set_group(StringAt(group, "full_path"));
    repository.set_group_forge_id(IdAt(group, "id"));
  }
  repository.set_description(call.Clean(StringAt(project, "description")));
  repository.set_web_url(StringAt(project, "web_url"));
  repository.set_clone_url(StringAt(project, "http_url_to_repo"));
  repository.set_default_branch(StringAt(project, "default_branch"));
  repository.set_visibility(VisibilityOf(project));
  repository.set_archived(FlagAt(project, "archived"));
  element parent;
  repository.set_fork(!project["forked_from_project"].get(parent) &&
                      parent.is_object());
  repository.set_access(AccessOf(project));
  if (const auto changed_at = TimeAt(project, "last_activity_at")) {
    *repository.mutable_updated_at() = ToProto(*changed_at);
  }
  return repository;
}

}  // namespace

v1::CatalogRepository::Access AccessOf(element project) {
  int64_t level = 0;
  for (const char* of : {"project_access", "group_access"}) {
    int64_t found = 0;
    if (!project["permissions"][of]["access_level"].get(found)) {
      level = std::max(level, found);
    }
  }
  if (level >= kMaintainer) return v1::CatalogRepository::ADMIN;
  if (level >= kDeveloper) return v1::CatalogRepository::WRITE;
  if (level > 0) return v1::CatalogRepository::READ;
  return v1::CatalogRepository::ACCESS_UNSPECIFIED;
}

asio::awaitable<absl::StatusOr<RepositoryPage>> ListProjects(ForgeCall& call,
                                                             std::string page) {
  std::string path = kList;
  if (!page.empty()) {
    if (!IsPosition(page)) {
      co_return absl::InvalidArgumentError(
          "page_token: must be empty or the next_page_token of an earlier "
          "page");
    }
    absl::StrAppend(&path, "&", page);
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Request(call, "GET", std::move(path), ""));
  RepositoryPage result;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      result.repositories,
      ReadList<v1::CatalogRepository>(answer.body, [&](element project) {
        return ReadProject(call, project);
      }));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(result.next, NextToken(answer.headers));
  result.total = NumberHeader(answer.headers, "x-total").value_or(0);
  co_return result;
}

asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetProject(
    ForgeCall& call) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Request(call, "GET", ProjectPath(call), ""));
  co_return ReadObject<v1::CatalogRepository>(
      answer.body, [&](element project) { return ReadProject(call, project); });
}

}  // namespace lamplighter::provider::gitlab
