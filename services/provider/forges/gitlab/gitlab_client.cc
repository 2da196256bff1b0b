#include "services/provider/forges/gitlab/gitlab_client.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/macros.h"
#include "services/provider/forges/token_request.h"
#include "simdjson.h"

namespace lamplighter::provider::gitlab {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

// What the headers that tell of the quota begin with.
constexpr char kRateLimit[] = "ratelimit";

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
    // What is wrong with the whole is said of its "base".
    texts.push_back(field == "base"
                        ? std::string(text)
                        : std::string(field) + " " + std::string(text));
  }
}

}  // namespace

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

std::string ProjectPath(const ForgeCall& call) {
  return absl::StrCat("/projects/", PercentEncode(call.repository()));
}

asio::awaitable<absl::StatusOr<HttpResult>> Send(ForgeCall& call,
                                                 std::string method,
                                                 std::string path,
                                                 std::string body) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      HttpResult answer,
      co_await SendWithToken(call, {"PRIVATE-TOKEN", ""}, std::move(method),
                             absl::StrCat(call.site(), "/api/v4", path),
                             std::move(body)));
  if (const auto limit = ReadRateLimit(answer.headers, kRateLimit)) {
    call.set_rate_limit(*limit);
  }
  co_return answer;
}

asio::awaitable<absl::StatusOr<HttpResult>> Request(ForgeCall& call,
                                                    std::string method,
                                                    std::string path,
                                                    std::string body) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      HttpResult answer,
      co_await Send(call, std::move(method), std::move(path), std::move(body)));
  if (answer.status / 100 == 2) co_return answer;
  co_return StatusFromError(call, answer);
}

}  // namespace lamplighter::provider::gitlab
