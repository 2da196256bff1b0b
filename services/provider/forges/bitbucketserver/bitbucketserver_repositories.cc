#include "services/provider/forges/bitbucketserver/bitbucketserver_repositories.h"

#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/forge/forge_location.h"
#include "common/status/macros.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/bitbucket_json.h"
#include "services/provider/forges/bitbucketserver/bitbucketserver_api.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;
using Repository = v1::CatalogRepository;

// What repositories are listed for, one after the other.
struct Level {
  absl::string_view permission;
  Repository::Access access;
};
constexpr Level kLevels[] = {
    {"REPO_ADMIN", Repository::ADMIN},
    {"REPO_WRITE", Repository::WRITE},
    {"REPO_READ", Repository::READ},
};

// Which page it is: "REPO_WRITE 300" in page tokens.
struct Position {
  const Level* level = kLevels;
  int64_t start = 0;
};

absl::StatusOr<Position> ParseToken(const std::string& token) {
  Position at;
  if (token.empty()) return at;
  const std::pair<absl::string_view, absl::string_view> words =
      absl::StrSplit(token, absl::MaxSplits(' ', 1));
  at.level = absl::c_find_if(kLevels, [&](const Level& level) {
    return level.permission == words.first;
  });
  if (at.level == std::end(kLevels) ||
      !absl::SimpleAtoi(words.second, &at.start) || at.start < 0) {
    return absl::InvalidArgumentError(
        "page_token: is not of this account's list");
  }
  return at;
}

// The token of what follows a page of `level`, if the next begins at `next`.
std::string TokenAfter(const Level* level, int64_t next) {
  if (next == 0) ++level;
  if (level == std::end(kLevels)) return "";
  return absl::StrCat(level->permission, " ", next);
}

// Of one that has just been made, or cannot be: there is nothing in it yet.
bool IsBeingMade(element value) {
  const std::string state = StringAt(value, "state");
  return !state.empty() && state != "AVAILABLE";
}

// What servers before 8.0 do not know of is absent, and so false.
absl::StatusOr<Repository> ReadRepository(const ForgeCall& call, element value,
                                          Repository::Access access) {
  const std::string id = IdAt(value, "id");
  const std::string slug = StringAt(value, "slug");
  element project;
  if (id.empty() || slug.empty() || value["project"].get(project)) {
    return UnreadableAnswer();
  }
  const std::string key = StringAt(project, "key");
  if (key.empty()) return UnreadableAnswer();
  Repository repository;
  repository.set_path(absl::StrCat(key, "/", slug));
  repository.set_repository_id(
      RepositoryId(ForgeLocation{call.site(), "", repository.path()}));
  repository.set_forge_id(id);
  repository.set_name(StringAt(value, "name"));
  if (repository.name().empty()) repository.set_name(slug);
  repository.set_group(key);
  repository.set_group_forge_id(IdAt(project, "id"));
  repository.set_description(call.Clean(StringAt(value, "description")));
  repository.set_web_url(StringAtPointer(value, "/links/self/0/href"));
  repository.set_clone_url(CloneUrl(value, "http"));
  const bool is_public = FlagAt(value, "public") || FlagAt(project, "public");
  repository.set_visibility(is_public ? Repository::PUBLIC
                                      : Repository::PRIVATE);
  repository.set_archived(FlagAt(value, "archived"));
  repository.set_fork(!StringAtPointer(value, "/origin/slug").empty());
  repository.set_access(access);
  return repository;
}

// Whether the repository is listed for the permission. Old servers do not know
// projectkey, and name finds more than the name itself: the id tells.
asio::awaitable<absl::StatusOr<bool>> IsListedFor(
    BitbucketServerApi& api, const Level& level, const Repository& repository) {
  bool is_listed = false;
  const auto read = [&](element value) {
    is_listed = is_listed || IdAt(value, "id") == repository.forge_id();
    return absl::OkStatus();
  };
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      (co_await api.ReadAll(
           api.Url(absl::StrCat("/repos?permission=", level.permission,
                                "&state=AVAILABLE&archived=ALL&projectkey=",
                                PercentEncode(repository.group()),
                                "&name=", PercentEncode(repository.name()),
                                "&limit=100")),
           read))
          .status());
  co_return is_listed;
}

}  // namespace

asio::awaitable<absl::StatusOr<RepositoryPage>> ListBitbucketServerRepositories(
    ForgeCall& call, std::string token) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Position at, ParseToken(token));
  BitbucketServerApi api(call);
  // Without `archived`, those that are would be left out; servers that do not
  // know it have none.
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::string body,
      co_await api.Do(
          "GET",
          api.Url(absl::StrCat("/repos?permission=", at.level->permission,
                               "&state=AVAILABLE&archived=ALL&start=", at.start,
                               "&limit=100"))));
  RepositoryPage page;
  const auto read = [&](element value) -> absl::Status {
    if (IsBeingMade(value)) return absl::OkStatus();
    LAMPLIGHTER_ASSIGN_OR_RETURN(Repository repository,
                                 ReadRepository(call, value, at.level->access));
    page.repositories.push_back(std::move(repository));
    return absl::OkStatus();
  };
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const int64_t next, BitbucketServerApi::ReadPage(body, at.start, read));
  page.next = TokenAfter(at.level, next);
  co_return page;
}

asio::awaitable<absl::StatusOr<Repository>> GetBitbucketServerRepository(
    ForgeCall& call) {
  BitbucketServerApi api(call);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::string body, co_await api.Do("GET", api.RepositoryUrl("")));
  const auto read = [&](element value) -> absl::StatusOr<Repository> {
    if (IsBeingMade(value)) {
      return absl::NotFoundError("the repository is still being made");
    }
    return ReadRepository(call, value, Repository::ACCESS_UNSPECIFIED);
  };
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Repository repository,
                                  ReadObject<Repository>(body, read));
  for (const Level& level : kLevels) {
    repository.set_access(level.access);
    if (level.access == Repository::READ) break;  // who sees it may read it
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const bool is_listed, co_await IsListedFor(api, level, repository));
    if (is_listed) break;
  }
  co_return repository;
}

}  // namespace lamplighter::provider
