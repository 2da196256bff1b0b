#include "services/provider/forges/github/github.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "services/provider/forges/github_api.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// What the headers that tell of the quota begin with.
constexpr char kRateLimit[] = "x-ratelimit";

// GitHub refuses more.
constexpr size_t kMaxDescription = 140;
// At least so long after a secondary limit that does not say.
constexpr absl::Duration kSecondaryWait = absl::Seconds(60);

std::string ApiBase(const GitAddress& address) {
  if (address.host == "github.com") return "https://api.github.com";
  if (absl::EndsWith(address.host, ".ghe.com")) {
    return absl::StrCat(address.scheme, "://api.", address.host);
  }
  return absl::StrCat(address.scheme, "://", address.host, "/api/v3");
}

// `phrase` is lower-case.
bool Says(absl::string_view message, absl::string_view phrase) {
  return absl::StrContains(absl::AsciiStrToLower(message), phrase);
}

// 403 and 429 are a limit or a refusal; only the rest of the answer tells.
absl::Status StatusFromForbidden(const HttpResult& answer,
                                 const std::string& message, absl::Time now) {
  if (const auto wait = RetryAfterHeader(answer.headers, now)) {
    return RateLimited(message, *wait);
  }
  const auto limit = ReadRateLimit(answer.headers, kRateLimit);
  if (limit && limit->remaining == 0) {
    return RateLimited(message, limit->resets_at - now);
  }
  if (answer.status == 429 || Says(message, "rate limit") ||
      Says(message, "abuse detection")) {
    return RateLimited(message, kSecondaryWait);
  }
  // The repository's state, not the credential's fault.
  if (Says(message, "archived")) return absl::FailedPreconditionError(message);
  return StatusFromAnswer(answer, message, now);
}

absl::Status StatusFromUnprocessable(const HttpResult& answer,
                                     const std::string& message,
                                     absl::Time now) {
  if (Says(message, "maximum number of statuses")) {
    return absl::FailedPreconditionError(message);
  }
  if (Says(message, "no commit found")) {
    return absl::NotFoundError(message);
  }
  return StatusFromAnswer(answer, message, now);
}

absl::Status StatusFromError(const ForgeCall& call, const HttpResult& answer) {
  const std::string message = call.Quote(ErrorMessage(answer.body));
  switch (answer.status) {
    case 403:
    case 429:
      return StatusFromForbidden(answer, message, call.Now());
    case 422:
      return StatusFromUnprocessable(answer, message, call.Now());
    default:
      return StatusFromAnswer(answer, message, call.Now());
  }
}

class GitHub final : public Forge {
 public:
  absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const override {
    return RenderLikeGitHub(intent, kMaxDescription);
  }

  v1::CommitState StateOf(absl::string_view forge_state) const override {
    return StateLikeGitHub(forge_state);
  }

  // Contexts ignore case.
  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    co_return co_await FindOnPages(
        [&](int page) { return Page(call, sha, page); },
        [&](const ForgeStatus& status) {
          return absl::EqualsIgnoreCase(status.context, wanted.context);
        });
  }

  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Request(call, "POST", absl::StrCat("/statuses/", sha),
                         StatusBody(status)));
    co_return ParseCreated(answer.body);
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    co_return co_await ListOnPages(
        [&](int page) { return Page(call, sha, page); });
  }

 private:
  // Of the combined status: it has the newest of each context, where the list
  // of statuses has a commit's whole history.
  asio::awaitable<absl::StatusOr<StatusPage>> Page(ForgeCall& call,
                                                   std::string sha, int page) {
    std::string path = absl::StrCat("/commits/", sha, "/status?per_page=100");
    if (page > 1) absl::StrAppend(&path, "&page=", page);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                    co_await Request(call, "GET", path, ""));
    StatusPage result;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(result.statuses,
                                    ParseCombinedStatus(answer.body, "state"));
    const auto link = answer.headers.Find("link");
    result.is_last = !link || !absl::StrContains(*link, "rel=\"next\"");
    co_return result;
  }

  // `path` is below the repository. Any answer but a 2xx is an error.
  asio::awaitable<absl::StatusOr<HttpResult>> Request(ForgeCall& call,
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
    request.url =
        absl::StrCat(ApiBase(target.address), "/repos/",
                     SplitRepository(target.address).repository, path);
    request.headers.Add("Accept", "application/vnd.github+json");
    request.headers.Add("X-GitHub-Api-Version", "2022-11-28");
    request.headers.Add("Authorization", absl::StrCat("Bearer ", token));
    if (!body.empty()) request.headers.Add("Content-Type", "application/json");
    request.body = std::move(body);
    const char* operation = request.method == "GET" ? "read" : "write";
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        HttpResult answer, co_await call.Send(operation, std::move(request)));
    if (const auto limit = ReadRateLimit(answer.headers, kRateLimit)) {
      call.set_rate_limit(*limit);
    }
    if (answer.status / 100 == 2) co_return answer;
    co_return StatusFromError(call, answer);
  }
};

}  // namespace

std::unique_ptr<Forge> MakeGitHub() { return std::make_unique<GitHub>(); }

}  // namespace lamplighter::provider
