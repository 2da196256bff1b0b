#include "services/provider/forges/bitbucket/bitbucket_repositories.h"

#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/types/span.h"
#include "common/forge/forge_location.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/bitbucket/bitbucket_api.h"
#include "services/provider/forges/bitbucket_json.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;
using Repository = v1::CatalogRepository;

constexpr int kMaxWorkspacePages = 20;

// What a workspace is listed for, one after the other.
struct Role {
  absl::string_view name;
  absl::string_view query;
  Repository::Access access;
};
constexpr Role kRoles[] = {
    {"admin", "role=admin&pagelen=100", Repository::ADMIN},
    {"contributor", "role=contributor&pagelen=100", Repository::WRITE},
    {"member", "role=member&pagelen=100", Repository::READ},
};
constexpr Role kNoRole[] = {
    {"any", "pagelen=100", Repository::ACCESS_UNSPECIFIED}};
// In place of a role: the workspace has been listed for all of them.
constexpr absl::string_view kListed = "listed";
// In place of a query that is empty.
constexpr absl::string_view kFirst = "-";

// Which page it is, as page tokens say it: four words.
struct Position {
  std::string workspace;
  std::string role;
  std::string query;       // of the page; empty for the first
  std::string workspaces;  // of that page of workspaces; empty for the first
};

std::string OrFirst(const std::string& query) {
  return query.empty() ? std::string(kFirst) : query;
}

std::string MakeToken(const Position& at) {
  return absl::StrCat(at.workspace, " ", at.role, " ", OrFirst(at.query), " ",
                      OrFirst(at.workspaces));
}

absl::Status BadToken() {
  return absl::InvalidArgumentError(
      "page_token: is not of this account's list");
}

// What may be an element of a path, once it is encoded.
bool IsName(absl::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         absl::c_all_of(text, &absl::ascii_isgraph);
}

bool ReadQuery(const std::string& word, std::string& query) {
  if (word != kFirst) query = word;
  return IsQuery(word);
}

absl::StatusOr<Repository> ReadRepository(const ForgeCall& call, element value,
                                          Repository::Access access) {
  const std::string uuid = StringAt(value, "uuid");
  const std::string path = StringAt(value, "full_name");
  const std::vector<std::string> names = absl::StrSplit(path, '/');
  const bool is_path = names.size() == 2 && absl::c_all_of(names, &IsName);
  if (uuid.empty() || !is_path) return UnreadableAnswer();
  Repository repository;
  repository.set_repository_id(
      RepositoryId(ForgeLocation{call.site(), names[0], path}));
  repository.set_forge_id(uuid);
  repository.set_path(path);
  repository.set_name(StringAt(value, "name"));
  if (repository.name().empty()) repository.set_name(names[1]);
  repository.set_group(names[0]);
  repository.set_group_forge_id(StringAtPointer(value, "/workspace/uuid"));
  if (repository.group_forge_id().empty()) {
    repository.set_group_forge_id(StringAtPointer(value, "/owner/uuid"));
  }
  repository.set_description(call.Clean(StringAt(value, "description")));
  repository.set_web_url(StringAtPointer(value, "/links/html/href"));
  repository.set_clone_url(CloneUrl(value, "https"));
  repository.set_default_branch(StringAtPointer(value, "/mainbranch/name"));
  bool is_private = false;
  if (!value["is_private"].get(is_private)) {
    repository.set_visibility(is_private ? Repository::PRIVATE
                                         : Repository::PUBLIC);
  }
  repository.set_fork(!StringAtPointer(value, "/parent/uuid").empty());
  repository.set_access(access);
  if (const auto updated_at = TimeAt(value, "updated_on")) {
    *repository.mutable_updated_at() = ToProto(*updated_at);
  }
  return repository;
}

// One operation's part of a listing.
class Listing {
 public:
  explicit Listing(ForgeCall& call)
      : call_(call),
        api_(call),
        account_(call.target().location.account),
        roles_(api_.HasAccessToken() ? absl::MakeConstSpan(kNoRole)
                                     : absl::MakeConstSpan(kRoles)) {}

  asio::awaitable<absl::StatusOr<RepositoryPage>> Page(std::string token) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Position at, Parse(token));
    if (at.role == kListed) {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(at, co_await NextWorkspace(at));
      if (at.workspace.empty()) co_return RepositoryPage();
    }
    co_return co_await Read(at);
  }

 private:
  std::string FirstRole() const { return std::string(roles_[0].name); }

  const Role* FindRole(absl::string_view name) const {
    const auto* const role =
        absl::c_find_if(roles_, [&](const Role& r) { return r.name == name; });
    return role == roles_.end() ? nullptr : role;
  }

  absl::StatusOr<Position> Parse(const std::string& token) const {
    Position at;
    if (token.empty()) {
      at.workspace = account_;
      at.role = account_.empty() ? std::string(kListed) : FirstRole();
      return at;
    }
    const std::vector<std::string> words = absl::StrSplit(token, ' ');
    if (words.size() != 4 || !IsName(words[0])) return BadToken();
    at.workspace = words[0];
    at.role = words[1];
    const bool is_known_role = FindRole(at.role) != nullptr ||
                               (at.role == kListed && account_.empty());
    const bool is_accounts =
        account_.empty() || absl::EqualsIgnoreCase(account_, at.workspace);
    if (!is_known_role || !is_accounts || !ReadQuery(words[2], at.query) ||
        !ReadQuery(words[3], at.workspaces)) {
      return BadToken();
    }
    return at;
  }

  // The beginning of the workspace after `at`'s (the first if that has none),
  // or one without a workspace after the last.
  asio::awaitable<absl::StatusOr<Position>> NextWorkspace(Position at) {
    const std::string list = api_.Url("/user/workspaces");
    std::string query =
        at.workspaces.empty() ? "sort=slug&pagelen=100" : at.workspaces;
    bool is_behind = at.workspace.empty();
    for (int i = 0; i < kMaxWorkspacePages; ++i) {
      const absl::StatusOr<std::string> body =
          co_await api_.Do("GET", absl::StrCat(list, "?", query));
      if (!body.ok()) co_return Explain(body.status());
      std::string found;
      const auto read = [&](element value) -> absl::Status {
        const std::string slug = StringAtPointer(value, "/workspace/slug");
        if (!IsName(slug)) return UnreadableAnswer();
        if (is_behind && found.empty()) found = slug;
        is_behind = is_behind || slug == at.workspace;
        return absl::OkStatus();
      };
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          std::string next, BitbucketApi::ReadPage(*body, list, read));
      if (!found.empty()) {
        co_return Position{std::move(found), FirstRole(), "", std::move(query)};
      }
      if (next.empty() && is_behind) co_return Position();
      if (next.empty()) {
        co_return absl::UnavailableError(
            "the list of workspaces changed while it was read");
      }
      query = std::move(next);
    }
    co_return absl::UnavailableError(absl::StrCat(
        "there are more than ", kMaxWorkspacePages, " pages of workspaces"));
  }

  // What to do about a list of workspaces that is refused.
  absl::Status Explain(const absl::Status& status) const {
    const bool is_refused = absl::IsUnauthenticated(status) ||
                            absl::IsPermissionDenied(status) ||
                            absl::IsNotFound(status);
    if (!is_refused || !api_.HasAccessToken()) return status;
    return absl::Status(
        status.code(),
        absl::StrCat(status.message(),
                     "; access tokens of a repository, a project or a "
                     "workspace cannot list workspaces: give the workspace in "
                     "the address, https://bitbucket.org/WORKSPACE"));
  }

  asio::awaitable<absl::StatusOr<RepositoryPage>> Read(Position at) {
    const Role* const role = FindRole(at.role);
    const std::string list =
        api_.Url(absl::StrCat("/repositories/", PercentEncode(at.workspace)));
    const std::string query =
        at.query.empty() ? std::string(role->query) : at.query;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const std::string body,
        co_await api_.Do("GET", absl::StrCat(list, "?", query)));
    RepositoryPage page;
    const auto read = [&](element value) -> absl::Status {
      LAMPLIGHTER_ASSIGN_OR_RETURN(Repository repository,
                                   ReadRepository(call_, value, role->access));
      page.repositories.push_back(std::move(repository));
      return absl::OkStatus();
    };
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(at.query,
                                    BitbucketApi::ReadPage(body, list, read));
    page.next = After(std::move(at), *role);
    co_return page;
  }

  // The token of what follows, once `at.query` is the next page's.
  std::string After(Position at, const Role& role) const {
    if (at.query.empty()) {
      const bool is_last_role = &role == &roles_.back();
      if (is_last_role && !account_.empty()) return "";
      at.role = std::string(is_last_role ? kListed : (&role + 1)->name);
    }
    return MakeToken(at);
  }

  ForgeCall& call_;
  BitbucketApi api_;
  const std::string account_;
  const absl::Span<const Role> roles_;
};

// Whether the repository is listed for the role.
asio::awaitable<absl::StatusOr<bool>> IsListedFor(
    BitbucketApi& api, const Role& role, const Repository& repository) {
  const std::string name =
      absl::StrReplaceAll(repository.name(), {{"\\", "\\\\"}, {"\"", "\\\""}});
  bool is_listed = false;
  const auto read = [&](element value) -> absl::Status {
    is_listed = is_listed || StringAt(value, "uuid") == repository.forge_id();
    return absl::OkStatus();
  };
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      (co_await api.ReadAll(
           absl::StrCat(
               api.Url(absl::StrCat("/repositories/",
                                    PercentEncode(repository.group()))),
               "?", role.query,
               "&q=", PercentEncode(absl::StrCat("name=\"", name, "\""))),
           read))
          .status());
  co_return is_listed;
}

}  // namespace

asio::awaitable<absl::StatusOr<RepositoryPage>> ListBitbucketRepositories(
    ForgeCall& call, std::string page) {
  Listing listing(call);
  co_return co_await listing.Page(std::move(page));
}

asio::awaitable<absl::StatusOr<Repository>> GetBitbucketRepository(
    ForgeCall& call) {
  BitbucketApi api(call);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::string body, co_await api.Do("GET", api.RepositoryUrl("")));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      Repository repository, ReadObject<Repository>(body, [&](element value) {
        return ReadRepository(call, value, Repository::ACCESS_UNSPECIFIED);
      }));
  if (api.HasAccessToken()) co_return repository;
  for (const Role& role : kRoles) {
    repository.set_access(role.access);
    if (role.access == Repository::READ) break;  // who sees it may read it
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const bool is_listed, co_await IsListedFor(api, role, repository));
    if (is_listed) break;
  }
  co_return repository;
}

}  // namespace lamplighter::provider
