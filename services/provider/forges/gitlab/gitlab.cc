#include "services/provider/forges/gitlab/gitlab.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/outgoing_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// What the headers that tell of the quota begin with.
constexpr char kRateLimit[] = "ratelimit";
using ::simdjson::dom::element;

// GitLab refuses more, of names and URLs too.
constexpr size_t kMaxText = 255;

absl::string_view Word(v1::CommitState state) {
  switch (state) {
    case v1::PENDING:
      return "pending";
    case v1::RUNNING:
      return "running";
    case v1::SUCCESS:
      return "success";
    case v1::FAILURE:
    case v1::ERROR:
      return "failed";
    default:
      return "";
  }
}

// GitLab keeps no time of the last change; this is what such a change sets.
absl::optional<absl::Time> ChangedAt(element object) {
  for (const char* key : {"finished_at", "started_at", "created_at"}) {
    absl::Time time;
    std::string error;
    if (absl::ParseTime(absl::RFC3339_full, StringAt(object, key), &time,
                        &error)) {
      return time;
    }
  }
  return absl::nullopt;
}

absl::StatusOr<std::vector<ForgeStatus>> ParseStatuses(
    const std::string& body) {
  simdjson::dom::parser parser;
  simdjson::dom::array array;
  if (parser.parse(body).get(array)) {
    return absl::UnavailableError(
        "the forge answered with something else than its API does");
  }
  std::vector<ForgeStatus> statuses;
  for (const element entry : array) {
    ForgeStatus status;
    status.context = StringAt(entry, "name");
    status.state = StringAt(entry, "status");
    status.description = StringAt(entry, "description");
    status.target_url = StringAt(entry, "target_url");
    int64_t id = 0;
    if (!entry["id"].get(id)) status.id = absl::StrCat(id);
    status.updated_at = ChangedAt(entry);
    statuses.push_back(std::move(status));
  }
  return statuses;
}

// No ref: GitLab takes that of the newest pipeline, else the first branch that
// has the commit.
std::string Body(const ForgeStatus& status) {
  boost::json::object body;
  body["state"] = status.state;
  body["name"] = status.context;
  if (!status.target_url.empty()) body["target_url"] = status.target_url;
  body["description"] = status.description;
  return boost::json::serialize(body);
}

// A text, or texts about `field`.
void AppendTexts(std::string_view field, element value,
                 std::vector<std::string>& texts) {
  std::string_view text;
  if (!value.get(text)) {
    texts.emplace_back(text);
    return;
  }
  simdjson::dom::array list;
  if (value.get(list)) return;
  for (const element entry : list) {
    if (entry.get(text)) continue;
    texts.push_back(std::string(field) + " " + std::string(text));
  }
}

// {"message":"text"}, {"message":{"field":["text"]}} or, of what GitLab never
// looked at, {"error":"text","error_description":"text"}.
std::string ErrorText(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body).get(root)) return "";
  std::vector<std::string> texts;
  for (const char* key : {"message", "error", "error_description"}) {
    element value;
    if (root[key].get(value)) continue;
    simdjson::dom::object fields;
    if (value.get(fields)) {
      AppendTexts(key, value, texts);
      continue;
    }
    for (const auto field : fields) AppendTexts(field.key, field.value, texts);
  }
  return absl::StrJoin(texts, "; ");
}

// GitLab refuses what it would not change (pending to pending, running to
// running) and pending after running, which still is under way.
bool IsAlreadyThere(const HttpResult& answer, const ForgeStatus& wanted) {
  if (answer.status != 400) return false;
  if (wanted.state != "pending" && wanted.state != "running") return false;
  const std::string text = ErrorText(answer.body);
  return absl::StrContains(text, "Cannot transition status via ") &&
         (absl::StrContains(text, "from :running") ||
          absl::StrContains(text, absl::StrCat("from :", wanted.state)));
}

absl::Status StatusFromError(const ForgeCall& call, const HttpResult& answer) {
  const std::string message = call.Quote(ErrorText(answer.body));
  if (answer.status == 409) {  // another update of this commit is under way
    return absl::UnavailableError(absl::StrCat("HTTP 409: ", message));
  }
  const auto reset = NumberHeader(answer.headers, "ratelimit-reset");
  if (answer.status == 429 && reset &&
      !RetryAfterHeader(answer.headers, call.Now())) {
    return RateLimited(absl::StrCat("HTTP 429: ", message),
                       absl::FromUnixSeconds(*reset) - call.Now());
  }
  return StatusFromAnswer(answer, message, call.Now());
}

class GitLab final : public Forge {
 public:
  // A target URL is left out where it is too long: cut, it would lead nowhere.
  absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const override {
    LAMPLIGHTER_ASSIGN_OR_RETURN(ForgeStatus status,
                                 RenderLikeGitHub(intent, kMaxText));
    status.state = std::string(Word(intent.state()));
    if (CountCharacters(status.target_url) > kMaxText) {
      status.target_url.clear();
    }
    return status;
  }

  // Jobs of pipelines are listed as well, with states that none can set.
  v1::CommitState StateOf(absl::string_view forge_state) const override {
    for (const char* word : {"pending", "created", "waiting_for_resource",
                             "preparing", "scheduled", "manual"}) {
      if (forge_state == word) return v1::PENDING;
    }
    if (forge_state == "running" || forge_state == "canceling") {
      return v1::RUNNING;
    }
    if (forge_state == "success" || forge_state == "skipped") {
      return v1::SUCCESS;
    }
    if (forge_state == "failed") return v1::FAILURE;
    if (forge_state == "canceled") return v1::ERROR;
    return v1::COMMIT_STATE_UNSPECIFIED;
  }

  // Another user's status of this name counts, as it does on the page.
  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    const std::string filter = absl::StrCat("&order_by=id&sort=desc&name=",
                                            EscapePath(wanted.context));
    co_return co_await FindOnPages(
        [&](int page) { return Page(call, sha, filter, page); },
        [&](const ForgeStatus& status) {
          return status.context == wanted.context;
        });
  }

  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Send(call, "POST", absl::StrCat("/statuses/", sha),
                      Body(status)));
    if (answer.status / 100 == 2) co_return ParseCreated(answer.body);
    if (IsAlreadyThere(answer, status)) co_return std::string();
    co_return StatusFromError(call, answer);
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    co_return co_await ListOnPages(
        [&](int page) { return Page(call, sha, "", page); });
  }

 private:
  // The newest of each name, once for each of the commit's pipelines. `filter`
  // is of the query.
  static asio::awaitable<absl::StatusOr<StatusPage>> Page(ForgeCall& call,
                                                          std::string sha,
                                                          std::string filter,
                                                          int page) {
    std::string path = absl::StrCat("/repository/commits/", sha,
                                    "/statuses?all=false&per_page=100", filter);
    if (page > 1) absl::StrAppend(&path, "&page=", page);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                    co_await Send(call, "GET", path, ""));
    if (answer.status / 100 != 2) co_return StatusFromError(call, answer);
    StatusPage result;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(result.statuses,
                                    ParseStatuses(answer.body));
    const auto link = answer.headers.Find("link");
    result.is_last = !link || !absl::StrContains(*link, "rel=\"next\"");
    co_return result;
  }

  // `path` is below the project, whose path is one element to GitLab.
  static asio::awaitable<absl::StatusOr<HttpResult>> Send(ForgeCall& call,
                                                          std::string method,
                                                          std::string path,
                                                          std::string body) {
    const ForgeCall::Target& target = call.target();
    const std::string& token = target.access.credential.TokenOrPassword();
    if (token.empty()) {
      co_return absl::UnauthenticatedError(absl::StrCat(
          "secret ", target.access.credential_name, " holds no token"));
    }
    HttpCall request;
    request.method = std::move(method);
    request.url = absl::StrCat(target.address.scheme, "://",
                               target.address.host, "/api/v4/projects/",
                               EscapePath(target.address.path), path);
    request.headers.Add("Accept", "application/json");
    request.headers.Add("PRIVATE-TOKEN", token);
    if (!body.empty()) request.headers.Add("Content-Type", "application/json");
    request.body = std::move(body);
    const char* operation = request.method == "GET" ? "read" : "write";
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        HttpResult answer, co_await call.Send(operation, std::move(request)));
    if (const auto limit = ReadRateLimit(answer.headers, kRateLimit)) {
      call.set_rate_limit(*limit);
    }
    co_return answer;
  }
};

}  // namespace

std::unique_ptr<Forge> MakeGitLab() { return std::make_unique<GitLab>(); }

}  // namespace lamplighter::provider
