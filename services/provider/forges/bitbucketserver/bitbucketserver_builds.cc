#include "services/provider/forges/bitbucketserver/bitbucketserver_builds.h"

#include <cstdint>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/bitbucket_build.h"
#include "services/provider/forges/bitbucketserver/bitbucketserver_api.h"
#include "services/provider/forges/json_list.h"
#include "services/provider/forges/json_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// Where a build without a link leads to, as Bitbucket insists on one: the
// Provider's address as it is spelled, or the repository's page where that is
// no link for people or might show them a credential.
std::string DefaultLink(const ForgeCall& call, const BitbucketServerApi& api) {
  const absl::string_view address =
      absl::StripAsciiWhitespace(call.access().address);
  const bool is_link = absl::StartsWithIgnoreCase(address, "https://") ||
                       absl::StartsWithIgnoreCase(address, "http://");
  if (is_link && address.size() <= kMaxBuildUrl &&
      address.find_first_of("@?#") == absl::string_view::npos) {
    return std::string(address);
  }
  return api.PageUrl();
}

std::string BuildsUrl(const BitbucketServerApi& api, const std::string& sha) {
  return api.RepositoryUrl(absl::StrCat("/commits/", sha, "/builds"));
}

std::string CommitBuildsUrl(const BitbucketServerApi& api,
                            const std::string& sha) {
  return api.BuildStatusUrl(absl::StrCat("/commits/", sha));
}

// That there is no such resource at all, which is none of Bitbucket's own
// errors: {"message":"null for uri: https://...","status-code":404}.
bool IsOldServer(const HttpResult& answer) {
  simdjson::dom::parser parser;
  element root;
  if (answer.status != 404 || parser.parse(answer.body).get(root)) return false;
  element errors;
  return root["errors"].get(errors) != simdjson::SUCCESS &&
         absl::StartsWith(StringAt(root, "message"), "null for uri");
}

// Keys stand for contexts, which cannot be told from them.
absl::StatusOr<ForgeStatus> ReadBuild(element object) {
  ForgeStatus build;
  build.context = StringAt(object, "key");
  if (build.context.empty()) return UnreadableAnswer();
  build.id = build.context;
  build.name = StringAt(object, "name");
  build.state = StringAt(object, "state");
  build.description = StringAt(object, "description");
  build.target_url = StringAt(object, "url");
  for (const char* key : {"updatedDate", "createdDate", "dateAdded"}) {
    int64_t millis = 0;
    if (object[key].get(millis)) continue;
    build.updated_at = absl::FromUnixMillis(millis);
    break;
  }
  return build;
}

// Nothing, or an object: a login page comes with a 200, too.
bool IsAccepted(const HttpResult& answer) {
  if (answer.body.empty()) return true;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  return !parser.parse(answer.body).get(object);
}

asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> FindInList(
    ForgeCall& call, std::string sha, std::string key) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::vector<ForgeStatus> builds,
                                  co_await ListBuilds(call, std::move(sha)));
  const auto build = absl::c_find_if(
      builds, [&](const ForgeStatus& b) { return b.context == key; });
  if (build == builds.end()) co_return absl::nullopt;
  co_return std::move(*build);
}

asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> FindByKey(
    ForgeCall& call, std::string sha, std::string key) {
  BitbucketServerApi api(call);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const HttpResult answer,
      co_await api.Send("GET",
                        absl::StrCat(BuildsUrl(api, sha), "?key=", key)));
  if (IsOldServer(answer)) {
    co_return co_await FindInList(call, std::move(sha), std::move(key));
  }
  // The answer to a build that is not there. It may be the repository that is
  // not; then writing tells.
  if (answer.status == 404) co_return absl::nullopt;
  if (answer.status / 100 != 2) co_return api.Error(answer);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      ForgeStatus build, ReadObject<ForgeStatus>(answer.body, &ReadBuild));
  if (build.context != key) co_return absl::nullopt;
  co_return std::move(build);
}

}  // namespace

asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> FindBuild(
    ForgeCall& call, std::string sha, ForgeStatus wanted) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      absl::optional<ForgeStatus> build,
      co_await FindByKey(call, std::move(sha), wanted.context));
  if (build && wanted.target_url.empty() &&
      build->target_url == DefaultLink(call, BitbucketServerApi(call))) {
    build->target_url.clear();
  }
  co_return build;
}

asio::awaitable<absl::StatusOr<std::string>> WriteBuild(ForgeCall& call,
                                                        std::string sha,
                                                        ForgeStatus build) {
  BitbucketServerApi api(call);
  boost::json::object object;
  object["description"] = build.description;
  object["key"] = build.context;
  object["name"] = build.name;
  object["state"] = build.state;
  object["url"] =
      build.target_url.empty() ? DefaultLink(call, api) : build.target_url;
  const std::string body = boost::json::serialize(object);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      HttpResult answer, co_await api.Send("POST", BuildsUrl(api, sha), body));
  if (IsOldServer(answer)) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        answer, co_await api.Send("POST", CommitBuildsUrl(api, sha), body));
  }
  if (answer.status / 100 != 2) co_return api.Error(answer);
  if (!IsAccepted(answer)) co_return UnreadableAnswer();
  co_return std::move(build.context);
}

asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> ListBuilds(
    ForgeCall& call, std::string sha) {
  BitbucketServerApi api(call);
  NewestBuilds newest;
  const auto read = [&](element value) -> absl::Status {
    LAMPLIGHTER_ASSIGN_OR_RETURN(ForgeStatus build, ReadBuild(value));
    newest.Add(std::move(build));
    return absl::OkStatus();
  };
  // What is beyond so many pages is left out.
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      (co_await api.ReadAll(
           absl::StrCat(CommitBuildsUrl(api, sha), "?limit=100&orderBy=NEWEST"),
           read))
          .status());
  co_return newest.Take();
}

}  // namespace lamplighter::provider
