#include "services/provider/forges/gitea/gitea_repositories.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/forge/forge_location.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "services/provider/forges/gitea/gitea_client.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/forges/paging.h"

namespace lamplighter::provider::gitea {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// Of everybody, unless whoever owns it is hidden.
v1::CatalogRepository::Visibility VisibilityOf(element repository) {
  if (FlagAt(repository, "private")) return v1::CatalogRepository::PRIVATE;
  element owner;
  if (repository["owner"].get(owner)) return v1::CatalogRepository::PUBLIC;
  const std::string word = StringAt(owner, "visibility");
  if (word == "private") return v1::CatalogRepository::PRIVATE;
  if (word == "limited") return v1::CatalogRepository::INTERNAL;
  return v1::CatalogRepository::PUBLIC;
}

absl::StatusOr<v1::CatalogRepository> ReadRepository(const ForgeCall& call,
                                                     element entry) {
  v1::CatalogRepository repository;
  repository.set_forge_id(IdAt(entry, "id"));
  repository.set_path(StringAt(entry, "full_name"));
  if (repository.forge_id().empty() ||
      !absl::StrContains(repository.path(), '/')) {
    return UnreadableAnswer();
  }
  repository.set_repository_id(RepositoryId(
      {.site = call.site(), .account = "", .repository = repository.path()}));
  repository.set_name(StringAt(entry, "name"));
  element owner;
  if (!entry["owner"].get(owner)) {
    repository.set_group(StringAt(owner, "login"));
    repository.set_group_forge_id(IdAt(owner, "id"));
  }
  repository.set_description(call.Clean(StringAt(entry, "description")));
  repository.set_web_url(StringAt(entry, "html_url"));
  repository.set_clone_url(StringAt(entry, "clone_url"));
  // Gitea tells what it will be called where there is none yet.
  if (!FlagAt(entry, "empty")) {
    repository.set_default_branch(StringAt(entry, "default_branch"));
  }
  repository.set_visibility(VisibilityOf(entry));
  repository.set_archived(FlagAt(entry, "archived"));
  repository.set_fork(FlagAt(entry, "fork"));
  repository.set_access(AccessOf(entry));
  if (const auto updated_at = TimeAt(entry, "updated_at")) {
    *repository.mutable_updated_at() = ToProto(*updated_at);
  }
  return repository;
}

// Gitea leaves Link out where there is one page; what is in it comes from the
// server's ROOT_URL, and whether a proxy lets it through is not ours to know.
// A page says nothing by being short: the server clamps its size.
bool HasMore(const HttpHeaders& headers, size_t entries) {
  if (headers.Find("link")) return HasNextPage(headers);
  if (entries == 0) return false;
  const auto total = NumberHeader(headers, "x-total-count");
  return !total || *total > static_cast<int64_t>(entries);
}

}  // namespace

v1::CatalogRepository::Access AccessOf(element repository) {
  element permissions;
  if (repository["permissions"].get(permissions) || !permissions.is_object()) {
    return v1::CatalogRepository::ACCESS_UNSPECIFIED;
  }
  if (FlagAt(permissions, "admin")) return v1::CatalogRepository::ADMIN;
  if (FlagAt(permissions, "push")) return v1::CatalogRepository::WRITE;
  return v1::CatalogRepository::READ;
}

asio::awaitable<absl::StatusOr<RepositoryPage>> ListRepositories(
    ForgeCall& call, std::string page) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const int number, PageNumber(page));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Request(call, "GET",
                       absl::StrCat("/user/repos?limit=50&page=", number), ""));
  RepositoryPage result;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      result.repositories,
      ReadList<v1::CatalogRepository>(answer.body, [&](element entry) {
        return ReadRepository(call, entry);
      }));
  if (HasMore(answer.headers, result.repositories.size())) {
    result.next = absl::StrCat(number + 1);
  }
  result.total = NumberHeader(answer.headers, "x-total-count").value_or(0);
  co_return result;
}

asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetRepository(
    ForgeCall& call) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await Request(call, "GET", RepositoryPath(call), ""));
  co_return ReadObject<v1::CatalogRepository>(
      answer.body, [&](element entry) { return ReadRepository(call, entry); });
}

}  // namespace lamplighter::provider::gitea
