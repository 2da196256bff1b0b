#include "services/provider/forges/bitbucketserver/bitbucketserver.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/forge/bitbucket_server_address.h"
#include "common/status/macros.h"
#include "services/provider/forges/bitbucket_build.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/outgoing_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// Bitbucket refuses longer names and URLs. It names no limit of descriptions;
// this is what fits on the page, and what other forges allow.
constexpr size_t kMaxName = 255;
constexpr size_t kMaxUrl = 450;
constexpr size_t kMaxDescription = 255;
constexpr int kMaxPages = 20;
// Its limit lets through some requests a second and never says when.
constexpr absl::Duration kUsualWait = absl::Seconds(5);

// "kind/name [description]", as notification-controller has it.
std::string NameOf(const v1::StatusIntent& intent) {
  std::string name = BuildName(intent);
  if (!intent.description().empty()) {
    absl::StrAppend(&name, " [", intent.description(), "]");
  }
  return CutCharacters(name, kMaxName);
}

// Where a build without a link leads to, as Bitbucket insists on one: the
// Provider's address as it is spelled, or the repository's page where that is
// no link for people or might show them a credential.
std::string DefaultLink(const Access& access,
                        const BitbucketServerRepository& repository) {
  const absl::string_view address = absl::StripAsciiWhitespace(access.address);
  const bool is_link = absl::StartsWithIgnoreCase(address, "https://") ||
                       absl::StartsWithIgnoreCase(address, "http://");
  if (is_link && address.size() <= kMaxUrl &&
      address.find_first_of("@?#") == absl::string_view::npos) {
    return std::string(address);
  }
  return absl::StrCat(repository.base, "/projects/",
                      EscapePath(repository.project), "/repos/",
                      EscapePath(repository.repository));
}

std::string Builds(const BitbucketServerRepository& repository,
                   const std::string& sha) {
  return absl::StrCat(repository.base, "/rest/api/latest/projects/",
                      EscapePath(repository.project), "/repos/",
                      EscapePath(repository.repository), "/commits/", sha,
                      "/builds");
}

// As notification-controller: a token goes before a password.
absl::StatusOr<std::string> Authorization(const Access& access) {
  const Credential& credential = access.credential;
  if (!credential.token.empty()) {
    return absl::StrCat("Bearer ", credential.token);
  }
  if (credential.username.empty() || credential.password.empty()) {
    return absl::UnauthenticatedError(
        absl::StrCat("secret ", access.credential_name,
                     " holds no token, nor a username and a password"));
  }
  return absl::StrCat("Basic ",
                      absl::Base64Escape(absl::StrCat(credential.username, ":",
                                                      credential.password)));
}

absl::Status Unreadable() {
  return absl::UnavailableError(
      "the forge answered with something else than its API does");
}

// What an answer quotes of the header is not masked as the password: it is
// encoded there.
absl::Status Error(const ForgeCall& call, const HttpResult& answer) {
  std::string text = ErrorMessage(answer.body);
  if (const auto header = Authorization(call.target().access); header.ok()) {
    text = MaskSecrets(text, {header->substr(header->find(' ') + 1)});
  }
  const std::string message = call.Quote(text);
  if (answer.status == 429 && !RetryAfterHeader(answer.headers, call.Now())) {
    return RateLimited(message.empty() ? "HTTP 429" : message, kUsualWait);
  }
  return StatusFromAnswer(answer, message, call.Now());
}

// Keys stand for contexts, which cannot be told from them.
ForgeStatus ReadBuild(element object) {
  ForgeStatus build;
  build.context = StringAt(object, "key");
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

absl::StatusOr<ForgeStatus> ParseBuild(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body).get(root)) return Unreadable();
  ForgeStatus build = ReadBuild(root);
  if (build.context.empty()) return Unreadable();
  return build;
}

struct BuildPage {
  std::vector<ForgeStatus> builds;
  int64_t next_start = 0;  // 0 where it is the last
};

absl::StatusOr<BuildPage> ParsePage(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  simdjson::dom::array values;
  if (parser.parse(body).get(root) || root["values"].get(values)) {
    return Unreadable();
  }
  BuildPage page;
  for (const element value : values) page.builds.push_back(ReadBuild(value));
  bool is_last = true;
  int64_t next_start = 0;
  if (!root["isLastPage"].get(is_last) && !is_last &&
      !root["nextPageStart"].get(next_start)) {
    page.next_start = next_start;
  }
  return page;
}

// Nothing, or an object: a login page comes with a 200, too.
bool IsAccepted(const HttpResult& answer) {
  if (answer.body.empty()) return true;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  return !parser.parse(answer.body).get(object);
}

class BitbucketServer final : public Forge {
 public:
  absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const override {
    ForgeStatus status;
    status.state = std::string(BuildState(intent.state()));
    if (status.state.empty()) {
      return absl::InvalidArgumentError("intent.state: must be a known state");
    }
    if (intent.context().empty()) {
      return absl::InvalidArgumentError("intent.context: must not be empty");
    }
    status.context = BuildKey(intent.context());
    status.name = NameOf(intent);
    status.description = CutCharacters(intent.description(), kMaxDescription);
    // A link that is cut leads nowhere.
    if (intent.target_url().size() <= kMaxUrl) {
      status.target_url = intent.target_url();
    }
    return status;
  }

  v1::CommitState StateOf(absl::string_view forge_state) const override {
    if (forge_state == "INPROGRESS") return v1::RUNNING;
    if (forge_state == "SUCCESSFUL") return v1::SUCCESS;
    if (forge_state == "FAILED") return v1::FAILURE;
    if (forge_state == "CANCELLED" || forge_state == "UNKNOWN") {
      return v1::ERROR;
    }
    return v1::COMMIT_STATE_UNSPECIFIED;
  }

  // A 404 is the answer to a build that is not there. It may be the repository
  // that is not; then writing tells.
  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    const Access& access = call.target().access;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const BitbucketServerRepository repository,
        ParseBitbucketServerAddress(access.address));
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Send(
            call, "GET",
            absl::StrCat(Builds(repository, sha), "?key=", wanted.context),
            ""));
    if (answer.status == 404) co_return absl::nullopt;
    if (answer.status / 100 != 2) co_return Error(call, answer);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(ForgeStatus build, ParseBuild(answer.body));
    if (build.context != wanted.context) co_return absl::nullopt;
    if (wanted.target_url.empty() &&
        build.target_url == DefaultLink(access, repository)) {
      build.target_url.clear();
    }
    co_return build;
  }

  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    const Access& access = call.target().access;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const BitbucketServerRepository repository,
        ParseBitbucketServerAddress(access.address));
    boost::json::object body;
    body["description"] = status.description;
    body["key"] = status.context;
    body["name"] = status.name;
    body["state"] = status.state;
    body["url"] = status.target_url.empty() ? DefaultLink(access, repository)
                                            : status.target_url;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Send(call, "POST", Builds(repository, sha),
                      boost::json::serialize(body)));
    if (answer.status / 100 != 2) co_return Error(call, answer);
    if (!IsAccepted(answer)) co_return Unreadable();
    co_return status.context;
  }

  // From the deprecated API of builds by commit, whichever repository they are
  // of: the repository's own has no list.
  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const BitbucketServerRepository repository,
        ParseBitbucketServerAddress(call.target().access.address));
    absl::flat_hash_map<std::string, ForgeStatus> newest;
    int64_t start = 0;
    for (int i = 0; i < kMaxPages; ++i) {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          BuildPage page,
          co_await Page(call, absl::StrCat(repository.base,
                                           "/rest/build-status/latest/commits/",
                                           sha, "?start=", start,
                                           "&limit=100&orderBy=NEWEST")));
      for (ForgeStatus& build : page.builds) {
        const auto [it, is_new] = newest.try_emplace(build.context, build);
        if (!is_new && build.updated_at > it->second.updated_at) {
          it->second = std::move(build);
        }
      }
      if (page.next_start <= start) break;
      start = page.next_start;
    }
    std::vector<ForgeStatus> statuses;
    for (auto& [key, build] : newest) statuses.push_back(std::move(build));
    co_return statuses;
  }

 private:
  static asio::awaitable<absl::StatusOr<BuildPage>> Page(ForgeCall& call,
                                                         std::string url) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Send(call, "GET", std::move(url), ""));
    if (answer.status / 100 != 2) co_return Error(call, answer);
    co_return ParsePage(answer.body);
  }

  static asio::awaitable<absl::StatusOr<HttpResult>> Send(ForgeCall& call,
                                                          std::string method,
                                                          std::string url,
                                                          std::string body) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::string authorization,
                                    Authorization(call.target().access));
    HttpCall request;
    request.method = std::move(method);
    request.url = std::move(url);
    request.headers.Add("Accept", "application/json");
    request.headers.Add("Authorization", std::move(authorization));
    // What Bitbucket wants to see of scripts, against forged requests.
    request.headers.Add("X-Atlassian-Token", "no-check");
    request.headers.Add("X-Requested-With", "XMLHttpRequest");
    if (!body.empty()) request.headers.Add("Content-Type", "application/json");
    request.body = std::move(body);
    const char* operation = request.method == "GET" ? "read" : "write";
    co_return co_await call.Send(operation, std::move(request));
  }
};

}  // namespace

std::unique_ptr<Forge> MakeBitbucketServer() {
  return std::make_unique<BitbucketServer>();
}

}  // namespace lamplighter::provider
