#include "services/provider/forges/azuredevops/azuredevops_client.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/status/macros.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/json_text.h"

namespace lamplighter::provider::azuredevops {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

constexpr absl::Duration kLongestPause = absl::Hours(2);

// A credential that uses too much is made to wait before it is refused: its
// requests succeed late, and say for how long to make no others. Nothing else
// is known of its quota: the other headers count load, not requests.
absl::optional<ForgeRateLimit> ReadPause(const HttpResult& answer,
                                         absl::Time now) {
  if (answer.status >= 500) return absl::nullopt;  // it is down, not we limited
  const auto wait = RetryAfterHeader(answer.headers, now);
  if (!wait) return absl::nullopt;
  return ForgeRateLimit{/*limit=*/0, /*remaining=*/0,
                        now + std::min(*wait, kLongestPause)};
}

// Where a browser would be sent if the token is not valid. A redirect within
// the same host has been followed to it.
bool IsSignInPage(const HttpResult& answer) {
  if (answer.status == 203 || answer.status == 302) return true;
  return answer.status == 200 &&
         absl::StartsWith(absl::StripLeadingAsciiWhitespace(answer.body),
                          "<") &&
         absl::StrContains(answer.body, "Sign In");
}

HttpCall MakeCall(const ForgeCall& call, Request request,
                  const std::string& token) {
  HttpCall http;
  http.method = std::move(request.method);
  http.url = absl::StrCat(call.site(), request.path);
  http.headers.Add(
      "Accept", absl::StrCat("application/json;api-version=", request.version));
  http.headers.Add(
      "Authorization",
      absl::StrCat("Basic ", absl::Base64Escape(absl::StrCat(":", token))));
  // For a 401 where a browser would be sent to sign in.
  http.headers.Add("X-TFS-FedAuthRedirect", "Suppress");
  if (!request.body.empty()) {
    http.headers.Add("Content-Type", "application/json");
  }
  http.body = std::move(request.body);
  return http;
}

}  // namespace

asio::awaitable<absl::StatusOr<HttpResult>> Send(ForgeCall& call,
                                                 Request request) {
  const std::string& token = call.access().credential.TokenOrPassword();
  if (token.empty()) {
    co_return absl::UnauthenticatedError(absl::StrCat(
        "secret ", call.access().credential_name, " holds no token"));
  }
  HttpCall http = MakeCall(call, std::move(request), token);
  const char* operation = http.method == "GET" ? "read" : "write";
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      HttpResult answer, co_await call.Send(operation, std::move(http)));
  const auto pause = ReadPause(answer, call.Now());
  if (pause) call.set_rate_limit(*pause);
  if (IsSignInPage(answer)) {
    co_return absl::UnauthenticatedError(
        absl::StrCat("HTTP ", answer.status,
                     ": the forge asks to sign in: the token is not valid"));
  }
  if (answer.status / 100 == 2) co_return answer;
  co_return StatusFromAnswer(answer, call.Quote(ErrorMessage(answer.body)),
                             call.Now());
}

std::string RepositoryPath(const ForgeCall& call) {
  const std::pair<absl::string_view, absl::string_view> names =
      absl::StrSplit(call.repository(), absl::MaxSplits('/', 1));
  return absl::StrCat("/", PercentEncode(names.first),
                      "/_apis/git/repositories/", PercentEncode(names.second));
}

absl::StatusOr<simdjson::dom::array> ParseList(simdjson::dom::parser& parser,
                                               const std::string& body,
                                               std::string_view key) {
  element root;
  if (parser.parse(body).get(root)) return UnreadableAnswer();
  simdjson::dom::array list;
  // The documentation has a bare list where there is an object around it.
  if (!root.get(list)) return list;
  if (root[key].get(list)) return UnreadableAnswer();
  int64_t count = 0;
  if (!root["count"].get(count) && static_cast<size_t>(count) != list.size()) {
    return UnreadableAnswer();
  }
  return list;
}

bool IsGuid(absl::string_view text) {
  constexpr absl::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::equal(text.begin(), text.end(), kForm.begin(), kForm.end(),
                    [](char c, char form) {
                      return form == '-' ? c == '-'
                                         : absl::ascii_isxdigit(c) != 0;
                    });
}

}  // namespace lamplighter::provider::azuredevops
