#include "services/provider/forges/github/github_repositories.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/forge/forge_location.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/forges/paging.h"
#include "services/provider/outgoing_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;
using RepositoryAccess = v1::CatalogRepository::Access;

constexpr char kUsers[] =
    "/user/repos?per_page=100&affiliation=owner,collaborator,"
    "organization_member&sort=full_name&page=";
constexpr char kInstallations[] =
    "/installation/repositories?per_page=100&page=";

// How a list is to be read.
struct ListOptions {
  std::string site;
  std::string owner;  // whose repositories alone; empty for all
  // An App's; a user's is in each repository.
  absl::optional<RepositoryAccess> access;
};

RepositoryAccess AccessOfUser(element repository) {
  element permissions;
  if (repository["permissions"].get(permissions) || !permissions.is_object()) {
    return v1::CatalogRepository::ACCESS_UNSPECIFIED;
  }
  if (FlagAt(permissions, "admin")) return v1::CatalogRepository::ADMIN;
  const bool writes =
      FlagAt(permissions, "maintain") || FlagAt(permissions, "push");
  return writes ? v1::CatalogRepository::WRITE : v1::CatalogRepository::READ;
}

v1::CatalogRepository::Visibility VisibilityOf(element repository) {
  const std::string word = StringAt(repository, "visibility");
  if (word == "public") return v1::CatalogRepository::PUBLIC;
  if (word == "internal") return v1::CatalogRepository::INTERNAL;
  // Old Enterprise Servers have the flag only.
  const bool is_private = word == "private" || FlagAt(repository, "private");
  return is_private ? v1::CatalogRepository::PRIVATE
                    : v1::CatalogRepository::PUBLIC;
}

absl::StatusOr<v1::CatalogRepository> ReadRepository(
    element object, const ListOptions& options) {
  v1::CatalogRepository repository;
  element owner;
  repository.set_forge_id(IdAt(object, "id"));
  repository.set_path(StringAt(object, "full_name"));
  repository.set_name(StringAt(object, "name"));
  if (repository.forge_id().empty() || repository.path().empty() ||
      object["owner"].get(owner)) {
    return UnreadableAnswer();
  }
  repository.set_group(StringAt(owner, "login"));
  repository.set_group_forge_id(IdAt(owner, "id"));
  repository.set_repository_id(RepositoryId(
      {.site = options.site, .account = "", .repository = repository.path()}));
  repository.set_description(CleanLine(StringAt(object, "description")));
  repository.set_web_url(StringAt(object, "html_url"));
  repository.set_clone_url(StringAt(object, "clone_url"));
  repository.set_default_branch(StringAt(object, "default_branch"));
  repository.set_visibility(VisibilityOf(object));
  repository.set_archived(FlagAt(object, "archived"));
  repository.set_fork(FlagAt(object, "fork"));
  repository.set_access(options.access.value_or(AccessOfUser(object)));
  const auto updated = TimeAt(object, "updated_at");
  const auto pushed = TimeAt(object, "pushed_at");
  if (updated || pushed) {
    *repository.mutable_updated_at() =
        ToProto(std::max(updated.value_or(absl::InfinitePast()),
                         pushed.value_or(absl::InfinitePast())));
  }
  return repository;
}

// A bare array for users, a wrapped one for installations.
absl::StatusOr<RepositoryPage> ReadList(const HttpResult& answer,
                                        const ListOptions& options) {
  simdjson::dom::parser parser;
  element root;
  simdjson::dom::array list;
  if (parser.parse(answer.body).get(root)) return UnreadableAnswer();
  RepositoryPage page;
  if (!options.access) {
    if (root.get(list)) return UnreadableAnswer();
  } else if (root["repositories"].get(list) ||
             root["total_count"].get(page.total)) {
    return UnreadableAnswer();
  }
  page.repositories.reserve(list.size());
  for (const element entry : list) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(v1::CatalogRepository repository,
                                 ReadRepository(entry, options));
    if (options.owner.empty() ||
        absl::EqualsIgnoreCase(repository.group(), options.owner)) {
      page.repositories.push_back(std::move(repository));
    }
  }
  if (!options.owner.empty()) page.total = 0;  // is of all owners
  return page;
}

// One page of a list. What we make of it depends on more than GitHub's ETag
// knows of; `scope` says on what, and is put before it.
asio::awaitable<absl::StatusOr<RepositoryPage>> ReadPage(
    GitHubClient& client, ForgeCall& call, GitHubRequest request, int number,
    std::string scope, std::string etag, ListOptions options) {
  absl::string_view known = etag;
  if (absl::ConsumePrefix(&known, scope)) request.etag = std::string(known);
  absl::StrAppend(&request.path, number);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer, co_await client.Send(call, std::move(request)));
  RepositoryPage page;
  if (answer.status == 304) {
    page.not_modified = true;
    page.etag = std::move(etag);
    co_return page;
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(page, ReadList(answer, options));
  if (HasNextPage(answer.headers)) page.next = absl::StrCat(number + 1);
  if (const auto fresh = answer.headers.Find("etag")) {
    page.etag = absl::StrCat(scope, *fresh);
  }
  co_return page;
}

asio::awaitable<absl::StatusOr<RepositoryPage>> ReadUsers(GitHubClient& client,
                                                          ForgeCall& call,
                                                          int number,
                                                          std::string etag) {
  const std::string& owner = call.target().location.account;
  co_return co_await ReadPage(
      client, call, {.path = kUsers}, number, absl::StrCat(owner, " "),
      std::move(etag), {.site = call.site(), .owner = owner, .access = {}});
}

// `installation` may be empty for the credential's or the account's.
asio::awaitable<absl::StatusOr<RepositoryPage>> ReadInstallations(
    GitHubClient& client, ForgeCall& call, std::string installation, int number,
    std::string etag) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const InstallationToken token,
      co_await client.Installation(call, std::move(installation)));
  const GitHubApp& app = call.access().credential.app;
  const RepositoryAccess access = AccessOfApp(token.permissions);
  ListOptions options = {.site = call.site(), .owner = "", .access = access};
  // One that was found by the account has the account's alone.
  if (!app.installation_id.empty() || !app.installation_owner.empty()) {
    options.owner = call.target().location.account;
  }
  std::string scope =
      absl::StrCat(token.installation, " ", access, " ", options.owner, " ");
  co_return co_await ReadPage(
      client, call,
      {.path = kInstallations, .installation = token.installation}, number,
      std::move(scope), std::move(etag), std::move(options));
}

// A place in the repositories of all installations, which go by their ids.
struct Place {
  int64_t installation = 0;
  int page = 1;
  bool is_after = true;  // on the first page of the installation after that
};

// ">ID" or "ID:PAGE"; empty for the beginning.
absl::StatusOr<Place> ReadPlace(absl::string_view token) {
  Place place;
  if (token.empty()) return place;
  place.is_after = absl::ConsumePrefix(&token, ">");
  const std::vector<absl::string_view> parts = absl::StrSplit(token, ':');
  const bool is_place = parts.size() == (place.is_after ? 1 : 2) &&
                        absl::SimpleAtoi(parts[0], &place.installation) &&
                        place.installation > 0 && !parts.back().empty();
  if (!is_place) return BadPageToken();
  if (!place.is_after) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(place.page, PageNumber(parts[1]));
  }
  return place;
}

// The first after `id` that can be used; 0 where there is none.
asio::awaitable<absl::StatusOr<int64_t>> InstallationAfter(ForgeCall& call,
                                                           int64_t id) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<AppInstallation> installations,
      co_await ListInstallations(call));
  const auto next =
      absl::c_find_if(installations, [&](const AppInstallation& installation) {
        return installation.id > id && !installation.is_suspended;
      });
  co_return next == installations.end() ? 0 : next->id;
}

// One installation after the other. Which comes next is asked for once the one
// before is read, so that what a page is followed by never changes: its ETag
// could not tell.
asio::awaitable<absl::StatusOr<RepositoryPage>> ReadWholeApp(
    GitHubClient& client, ForgeCall& call, std::string token,
    std::string etag) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Place place, ReadPlace(token));
  if (place.is_after) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        place.installation,
        co_await InstallationAfter(call, place.installation));
    if (place.installation == 0) co_return RepositoryPage();
  }
  absl::StatusOr<RepositoryPage> page =
      co_await ReadInstallations(client, call, absl::StrCat(place.installation),
                                 place.page, std::move(etag));
  if (absl::IsPermissionDenied(page.status())) {
    // Gone since the page before: it has no more, and the others do.
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const int64_t still,
        co_await InstallationAfter(call, place.installation - 1));
    if (still != place.installation) page = RepositoryPage();
  }
  if (!page.ok()) co_return page.status();
  page->next = page->next.empty()
                   ? absl::StrCat(">", place.installation)
                   : absl::StrCat(place.installation, ":", page->next);
  page->total = 0;  // is of one installation
  co_return page;
}

// GitHub shows public repositories to an installation that has none of them.
asio::awaitable<absl::Status> CheckInstalled(ForgeCall& call,
                                             std::string repository,
                                             std::string installation) {
  const absl::StatusOr<HttpResult> answer = co_await SendAsApp(
      call, {.path = absl::StrCat("/repos/", EscapePaths(repository),
                                  "/installation")});
  if (!answer.ok() && !absl::IsNotFound(answer.status())) {
    co_return answer.status();
  }
  simdjson::dom::parser parser;
  element root;
  const bool is_here = answer.ok() && !parser.parse(answer->body).get(root) &&
                       IdAt(root, "id") == installation;
  if (is_here) co_return absl::OkStatus();
  co_return absl::NotFoundError(absl::StrCat(
      "the App's installation does not have the repository ", repository));
}

bool Writes(const AppPermissions& permissions, const char* name) {
  const auto it = permissions.find(name);
  return it != permissions.end() &&
         (it->second == "write" || it->second == "admin");
}

}  // namespace

RepositoryAccess AccessOfApp(const AppPermissions& permissions) {
  if (!Writes(permissions, "statuses")) return v1::CatalogRepository::READ;
  return Writes(permissions, "repository_hooks") ? v1::CatalogRepository::ADMIN
                                                 : v1::CatalogRepository::WRITE;
}

asio::awaitable<absl::StatusOr<RepositoryPage>> ListGitHubRepositories(
    GitHubClient& client, ForgeCall& call, std::string page, std::string etag) {
  if (IsWholeApp(call)) {
    co_return co_await ReadWholeApp(client, call, std::move(page),
                                    std::move(etag));
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const int number, PageNumber(page));
  if (IsApp(call.access().credential)) {
    co_return co_await ReadInstallations(client, call, "", number,
                                         std::move(etag));
  }
  co_return co_await ReadUsers(client, call, number, std::move(etag));
}

asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetGitHubRepository(
    GitHubClient& client, ForgeCall& call) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await client.Send(call, {.path = RepositoryPath(call)}));
  ListOptions options = {.site = call.site(), .owner = "", .access = {}};
  InstallationToken token;
  if (IsApp(call.access().credential)) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(token,
                                    co_await client.Installation(call, ""));
    options.access = AccessOfApp(token.permissions);
  }
  absl::StatusOr<v1::CatalogRepository> repository =
      ReadObject<v1::CatalogRepository>(answer.body, [&](element object) {
        return ReadRepository(object, options);
      });
  if (repository.ok() && options.access &&
      repository->visibility() == v1::CatalogRepository::PUBLIC) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await CheckInstalled(call, repository->path(), token.installation));
  }
  co_return repository;
}

}  // namespace lamplighter::provider
