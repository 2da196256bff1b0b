#include "services/provider/forges/bitbucket/bitbucket_api.h"

#include <string_view>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status/macros.h"
#include "services/provider/forges/json_text.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

constexpr int kMaxPages = 20;
constexpr char kAppPasswordsEnded[] =
    "; app passwords were switched off in June 2026: use an API token with the "
    "Atlassian account's e-mail address as its user, or an access token";

// Whatever the host is called in the address, there is one Bitbucket Cloud; but
// an http(s) host that is not its own is taken at its word: a stand-in.
std::string Base(absl::string_view site) {
  if (absl::EndsWith(site, "://bitbucket.org") ||
      absl::EndsWith(site, ".bitbucket.org")) {
    return "https://api.bitbucket.org/2.0";
  }
  return absl::StrCat(site, "/2.0");
}

// user:password, where that is what the credential is. Access tokens have no
// colon; where there is one, it is between a user (or e-mail address) and the
// API token.
std::string UserAndPassword(const Credential& credential) {
  if (!credential.token.empty()) {
    return absl::StrContains(credential.token, ':') ? credential.token : "";
  }
  return absl::StrCat(credential.username, ":", credential.password);
}

// The value of the header Authorization.
absl::StatusOr<std::string> Authorization(const Access& access) {
  const Credential& credential = access.credential;
  if (credential.token.empty() &&
      (credential.username.empty() || credential.password.empty())) {
    return absl::UnauthenticatedError(
        absl::StrCat("secret ", access.credential_name,
                     " holds no token and no username with a password"));
  }
  const std::string pair = UserAndPassword(credential);
  if (pair.empty()) return absl::StrCat("Bearer ", credential.token);
  const bool is_token = !credential.token.empty();
  if (is_token && (absl::c_count(pair, ':') > 1 || pair.front() == ':' ||
                   pair.back() == ':')) {
    return absl::InvalidArgumentError(
        absl::StrCat("secret ", access.credential_name,
                     ": a token with a colon must be user:token"));
  }
  return absl::StrCat("Basic ", absl::Base64Escape(pair));
}

// What the fields say that the message does not: {"url":["..."]}.
void AddFields(element error, std::vector<std::string>& texts) {
  simdjson::dom::object fields;
  if (error["fields"].get(fields)) return;
  const std::string message = StringAt(error, "message");
  for (const auto [key, value] : fields) {
    std::string_view view;
    if (value.at(0).get(view) && value.get(view)) continue;
    const std::string text(view);
    if (absl::StrContains(message, text)) continue;
    texts.push_back(absl::StrCat(std::string(key), ": ", text));
    if (texts.size() == 5) break;
  }
}

// Of a credential that lacks scopes: {"required":["..."],"granted":["..."]}.
void AddRequired(element error, std::vector<std::string>& texts) {
  simdjson::dom::array required;
  if (error["detail"]["required"].get(required)) return;
  std::vector<std::string> scopes;
  for (const element scope : required) {
    std::string_view name;
    if (!scope.get(name)) scopes.emplace_back(name);
  }
  texts.push_back(absl::StrCat("required: ", absl::StrJoin(scopes, ", ")));
}

// {"error":{"message":"...","fields":{...},"detail":{...}}}; a gateway's may be
// {"message":"..."}.
std::string ErrorMessage(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body).get(root)) return "";
  element error;
  if (root["error"].get(error)) error = root;
  std::vector<std::string> texts;
  if (std::string message = StringAt(error, "message"); !message.empty()) {
    texts.push_back(std::move(message));
  }
  AddFields(error, texts);
  AddRequired(error, texts);
  return absl::StrJoin(texts, "; ");
}

absl::string_view WithoutQuery(absl::string_view url) {
  return url.substr(0, url.find('?'));
}

}  // namespace

std::string BitbucketApi::Url(absl::string_view path) const {
  return absl::StrCat(Base(call_.site()), path);
}

std::string BitbucketApi::RepositoryUrl(absl::string_view path) const {
  return Url(
      absl::StrCat("/repositories/", EscapePaths(call_.repository()), path));
}

bool BitbucketApi::HasAccessToken() const {
  return UserAndPassword(call_.access().credential).empty();
}

std::string BitbucketApi::User() const {
  const std::string pair = UserAndPassword(call_.access().credential);
  return pair.substr(0, pair.find(':'));
}

asio::awaitable<absl::StatusOr<HttpResult>> BitbucketApi::Send(
    std::string method, std::string url, std::string body) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::string authorization,
                                  Authorization(call_.access()));
  HttpCall request;
  request.method = std::move(method);
  request.url = std::move(url);
  request.headers.Add("Accept", "application/json");
  request.headers.Add("Authorization", std::move(authorization));
  if (!body.empty()) request.headers.Add("Content-Type", "application/json");
  request.body = std::move(body);
  const char* operation = request.method == "GET" ? "read" : "write";
  co_return co_await call_.Send(operation, std::move(request));
}

asio::awaitable<absl::StatusOr<std::string>> BitbucketApi::Do(
    std::string method, std::string url, std::string body) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      HttpResult answer,
      co_await Send(std::move(method), std::move(url), std::move(body)));
  if (answer.status / 100 != 2) co_return Error(answer);
  co_return std::move(answer.body);
}

absl::Status BitbucketApi::Error(const HttpResult& answer) const {
  std::string message = ErrorMessage(answer.body);
  const std::string user = User();
  std::string text = call_.Quote(message);
  if (answer.status == 401 && !user.empty() && !absl::StrContains(user, '@')) {
    text += kAppPasswordsEnded;
  }
  return StatusFromAnswer(answer, text, call_.Now());
}

absl::StatusOr<std::string> BitbucketApi::ReadPage(const std::string& body,
                                                   const std::string& url,
                                                   const ReadValue& read) {
  simdjson::dom::parser parser;
  element root;
  simdjson::dom::array values;
  if (parser.parse(body).get(root) || root["values"].get(values)) {
    return UnreadableAnswer();
  }
  for (const element value : values) {
    LAMPLIGHTER_RETURN_IF_ERROR(read(value));
  }
  element next;
  if (root["next"].get(next) || next.is_null()) return "";
  const std::string next_url = StringAt(root, "next");
  const std::string list = absl::StrCat(WithoutQuery(url), "?");
  if (!absl::StartsWithIgnoreCase(next_url, list)) return UnreadableAnswer();
  std::string query = next_url.substr(list.size());
  if (!IsQuery(query)) return UnreadableAnswer();
  return query;
}

asio::awaitable<absl::StatusOr<bool>> BitbucketApi::ReadAll(std::string url,
                                                            ReadValue read) {
  const std::string list(WithoutQuery(url));
  for (int i = 0; i < kMaxPages; ++i) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string body,
                                    co_await Do("GET", url));
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string query,
                                    ReadPage(body, list, read));
    if (query.empty()) co_return true;
    url = absl::StrCat(list, "?", query);
  }
  co_return false;
}

bool IsQuery(absl::string_view text) {
  return !text.empty() && absl::c_all_of(text, [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c)) && c != '#';
  });
}

}  // namespace lamplighter::provider
