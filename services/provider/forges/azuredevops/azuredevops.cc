#include "services/provider/forges/azuredevops/azuredevops.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/forge/azure_devops_address.h"
#include "common/status/macros.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/outgoing_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// It documents no limits; these are cautious ones. A name is never cut: two
// could become one.
constexpr size_t kMaxName = 128;
constexpr size_t kMaxGenre = 128;
constexpr size_t kMaxDescription = 1024;
// What it gives at most.
constexpr int kPageSize = 1000;
constexpr absl::Duration kLongestPause = absl::Hours(2);

// The newest that Server 2019 knows: a server refuses those it does not know
// yet, and all that came later, Services too, still know this one.
constexpr char kAccept[] = "application/json;api-version=5.0";

// Notification-controller calls a failure an error; so do we, or the statuses
// of those who come from there would all be set anew.
absl::string_view Word(v1::CommitState state) {
  switch (state) {
    case v1::PENDING:
    case v1::RUNNING:
      return "pending";
    case v1::SUCCESS:
      return "succeeded";
    case v1::FAILURE:
    case v1::ERROR:
      return "error";
    default:
      return "";
  }
}

// As notification-controller has it.
std::string Genre(const std::string& summary) {
  if (summary.empty()) return "fluxcd";
  return CutCharacters(absl::StrCat("fluxcd:", summary), kMaxGenre);
}

// As Azure DevOps shows it.
std::string Context(absl::string_view genre, absl::string_view name) {
  return genre.empty() ? std::string(name) : absl::StrCat(genre, "/", name);
}

ForgeStatus ReadStatus(element object) {
  ForgeStatus status;
  element context;
  if (!object["context"].get(context)) {
    status.genre = StringAt(context, "genre");
    status.context = Context(status.genre, StringAt(context, "name"));
  }
  status.state = StringAt(object, "state");
  status.description = StringAt(object, "description");
  status.target_url = StringAt(object, "targetUrl");
  int64_t id = 0;
  if (!object["id"].get(id)) status.id = absl::StrCat(id);
  // Statuses are never changed, only followed by others.
  absl::Time created_at;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, StringAt(object, "creationDate"),
                      &created_at, &error)) {
    status.updated_at = created_at;
  }
  return status;
}

absl::StatusOr<std::vector<ForgeStatus>> ParseList(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  simdjson::dom::array array;
  if (parser.parse(body).get(root) || root["value"].get(array)) {
    return absl::UnavailableError(
        "the forge answered with something else than its API does");
  }
  std::vector<ForgeStatus> statuses;
  for (const element entry : array) statuses.push_back(ReadStatus(entry));
  return statuses;
}

std::string Body(const ForgeStatus& status) {
  boost::json::object context;
  context["genre"] = status.genre;
  const absl::string_view name =
      absl::StripPrefix(status.context, Context(status.genre, ""));
  context["name"] = std::string_view(name.data(), name.size());
  boost::json::object body;
  body["context"] = std::move(context);
  body["description"] = status.description;
  body["state"] = status.state;
  if (!status.target_url.empty()) body["targetUrl"] = status.target_url;
  return boost::json::serialize(body);
}

// A credential that uses too much is made to wait before it is refused: its
// requests succeed late, and say for how long to make no others. Nothing else
// is known of its quota: the other headers count load, not requests.
absl::optional<ForgeRateLimit> ReadRateLimit(const HttpHeaders& headers,
                                             absl::Time now) {
  const auto wait = RetryAfterHeader(headers, now);
  if (!wait) return absl::nullopt;
  return ForgeRateLimit{/*limit=*/0, /*remaining=*/0,
                        now + std::min(*wait, kLongestPause)};
}

absl::Status StatusFromError(const ForgeCall& call, const HttpResult& answer) {
  if (answer.status == 203 || answer.status == 302) {
    return absl::UnauthenticatedError(
        absl::StrCat("HTTP ", answer.status,
                     ": the forge asks to sign in: the token is not valid"));
  }
  return StatusFromAnswer(answer, call.Quote(ErrorMessage(answer.body)),
                          call.Now());
}

class AzureDevOps final : public Forge {
 public:
  absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const override {
    ForgeStatus status;
    status.state = std::string(Word(intent.state()));
    if (status.state.empty()) {
      return absl::InvalidArgumentError("intent.state: must be a known state");
    }
    const size_t length = CountCharacters(intent.context());
    if (length == 0 || length > kMaxName) {
      return absl::InvalidArgumentError(absl::StrCat(
          "intent.context: must have 1 to ", kMaxName, " characters"));
    }
    status.genre = Genre(intent.summary());
    status.context = Context(status.genre, intent.context());
    status.description = CutCharacters(intent.description(), kMaxDescription);
    status.target_url = intent.target_url();
    return status;
  }

  v1::CommitState StateOf(absl::string_view forge_state) const override {
    if (forge_state == "pending") return v1::PENDING;
    if (forge_state == "succeeded" || forge_state == "notApplicable") {
      return v1::SUCCESS;
    }
    if (forge_state == "failed" || forge_state == "error") return v1::FAILURE;
    return v1::COMMIT_STATE_UNSPECIFIED;  // "notSet" too
  }

  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    co_return co_await FindOnPages(
        [&](int page) { return Page(call, sha, page); },
        [&](const ForgeStatus& status) {
          return status.genre == wanted.genre &&
                 status.context == wanted.context;
        });
  }

  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Request(call, "POST", absl::StrCat(sha, "/statuses"),
                         Body(status)));
    co_return ParseCreated(answer.body);
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    co_return co_await ListOnPages(
        [&](int page) { return Page(call, sha, page); });
  }

 private:
  // Without latestOnly it is a commit's whole history, in no stated order.
  static asio::awaitable<absl::StatusOr<StatusPage>> Page(ForgeCall& call,
                                                          std::string sha,
                                                          int page) {
    std::string path =
        absl::StrCat(sha, "/statuses?latestOnly=true&top=", kPageSize);
    if (page > 1) absl::StrAppend(&path, "&skip=", (page - 1) * kPageSize);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Request(call, "GET", std::move(path), ""));
    StatusPage result;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(result.statuses, ParseList(answer.body));
    result.is_last = result.statuses.size() < kPageSize;
    co_return result;
  }

  // `path` is below the repository's commits. Any answer but a 2xx is an
  // error, and so is a 203: a sign-in page.
  static asio::awaitable<absl::StatusOr<HttpResult>> Request(ForgeCall& call,
                                                             std::string method,
                                                             std::string path,
                                                             std::string body) {
    const Access& access = call.target().access;
    const std::string& token = access.credential.TokenOrPassword();
    if (token.empty()) {
      co_return absl::UnauthenticatedError(
          absl::StrCat("secret ", access.credential_name, " holds no token"));
    }
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const AzureDevOpsRepository where,
                                    ParseAzureDevOpsAddress(access.address));
    HttpCall request;
    request.method = std::move(method);
    request.url = absl::StrCat(where.base, "/", EscapePath(where.project),
                               "/_apis/git/repositories/",
                               EscapePath(where.repository), "/commits/", path);
    request.headers.Add("Accept", kAccept);
    request.headers.Add(
        "Authorization",
        absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(":", token))));
    // For a 401 where a browser would be sent to sign in.
    request.headers.Add("X-TFS-FedAuthRedirect", "Suppress");
    if (!body.empty()) request.headers.Add("Content-Type", "application/json");
    request.body = std::move(body);
    const char* operation = request.method == "GET" ? "read" : "write";
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        HttpResult answer, co_await call.Send(operation, std::move(request)));
    if (answer.status / 100 == 2 && answer.status != 203) {
      const auto limit = ReadRateLimit(answer.headers, call.Now());
      if (limit) call.set_rate_limit(*limit);
      co_return answer;
    }
    co_return StatusFromError(call, answer);
  }
};

}  // namespace

std::unique_ptr<Forge> MakeAzureDevOps() {
  return std::make_unique<AzureDevOps>();
}

}  // namespace lamplighter::provider
