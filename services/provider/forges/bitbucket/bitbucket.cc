#include "services/provider/forges/bitbucket/bitbucket.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/bitbucket_build.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/outgoing_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

constexpr size_t kMaxName = 255;
// Bitbucket names no limit; this is what fits, and what other forges allow.
constexpr size_t kMaxDescription = 255;
constexpr int kMaxPages = 20;
// A status must have a URL. notification-controller's, where there is none.
constexpr char kNoTarget[] = "https://bitbucket.org";

// Whatever the host is called in the address, there is one Bitbucket Cloud; but
// an http(s) host that is not its own is taken at its word: a stand-in.
std::string ApiBase(const GitAddress& address) {
  if (address.host == "bitbucket.org" ||
      absl::EndsWith(address.host, ".bitbucket.org")) {
    return "https://api.bitbucket.org/2.0";
  }
  return absl::StrCat(address.scheme, "://", address.host, "/2.0");
}

// The value of the header Authorization. Access tokens have no colon; where
// there is one, it is between a user (or e-mail address) and the API token.
absl::StatusOr<std::string> Authorization(const Access& access) {
  const Credential& credential = access.credential;
  std::string pair = credential.token;
  if (pair.empty() && !credential.username.empty() &&
      !credential.password.empty()) {
    pair = absl::StrCat(credential.username, ":", credential.password);
  } else if (pair.empty()) {
    return absl::UnauthenticatedError(
        absl::StrCat("secret ", access.credential_name,
                     " holds no token and no username with a password"));
  } else if (!absl::StrContains(pair, ':')) {
    return absl::StrCat("Bearer ", pair);
  } else if (absl::c_count(pair, ':') > 1 || pair.front() == ':' ||
             pair.back() == ':') {
    return absl::InvalidArgumentError(
        absl::StrCat("secret ", access.credential_name,
                     ": a token with a colon must be user:token"));
  }
  return absl::StrCat("Basic ", absl::Base64Escape(pair));
}

ForgeStatus ReadStatus(element object) {
  ForgeStatus status;
  status.context = StringAt(object, "key");
  status.state = StringAt(object, "state");
  status.description = StringAt(object, "description");
  status.target_url = StringAt(object, "url");
  status.name = StringAt(object, "name");
  status.id = StringAt(object, "uuid");
  absl::Time updated_at;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, StringAt(object, "updated_on"),
                      &updated_at, &error)) {
    status.updated_at = updated_at;
  }
  return status;
}

absl::Status Unreadable() {
  return absl::UnavailableError(
      "the forge answered with something else than its API does");
}

// Every status has a key: what has none is a gateway's page.
absl::StatusOr<ForgeStatus> ParseStatus(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body).get(root)) return Unreadable();
  ForgeStatus status = ReadStatus(root);
  if (status.context.empty()) return Unreadable();
  return status;
}

struct Page {
  std::vector<ForgeStatus> statuses;
  std::string next;  // the URL of the next one; empty if there is none
};

absl::StatusOr<Page> ParsePage(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  simdjson::dom::array values;
  if (parser.parse(body).get(root) || root["values"].get(values)) {
    return Unreadable();
  }
  Page page;
  for (const element value : values) page.statuses.push_back(ReadStatus(value));
  page.next = StringAt(root, "next");
  return page;
}

// {"error":{"message":"...","fields":{"url":["..."]}}}: the message, and what
// the fields say that it does not. A gateway's may be {"message":"..."}.
std::string ErrorMessage(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body).get(root)) return "";
  element error;
  if (root["error"].get(error)) error = root;
  std::string message = StringAt(error, "message");
  simdjson::dom::object fields;
  if (error["fields"].get(fields)) return message;
  std::vector<std::string> texts;
  if (!message.empty()) texts.push_back(message);
  for (const auto [key, value] : fields) {
    std::string_view text;
    if (value.at(0).get(text) && value.get(text)) continue;
    if (absl::StrContains(message, absl::string_view(text.data(), text.size())))
      continue;
    texts.push_back(absl::StrCat(absl::string_view(key.data(), key.size()),
                                 ": ",
                                 absl::string_view(text.data(), text.size())));
    if (texts.size() == 5) break;
  }
  return absl::StrJoin(texts, "; ");
}

std::string StatusBody(const ForgeStatus& status) {
  boost::json::object body;
  body["key"] = status.context;
  body["url"] = status.target_url;
  body["state"] = status.state;
  body["name"] = status.name;
  body["description"] = status.description;
  return boost::json::serialize(body);
}

class Bitbucket final : public Forge {
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
    status.name = CutCharacters(BuildName(intent), kMaxName);
    status.description = CutCharacters(intent.description(), kMaxDescription);
    // Bitbucket puts values in place of {names} in a URL.
    status.target_url = intent.target_url().empty()
                            ? kNoTarget
                            : absl::StrReplaceAll(intent.target_url(),
                                                  {{"{", "%7B"}, {"}", "%7D"}});
    return status;
  }

  v1::CommitState StateOf(absl::string_view forge_state) const override {
    if (forge_state == "INPROGRESS") return v1::RUNNING;
    if (forge_state == "SUCCESSFUL") return v1::SUCCESS;
    if (forge_state == "FAILED") return v1::FAILURE;
    if (forge_state == "STOPPED") return v1::ERROR;
    return v1::COMMIT_STATE_UNSPECIFIED;
  }

  // A 404 is none, too, if it is the repository or the commit that is not
  // there: writing will tell.
  asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> Find(
      ForgeCall& call, std::string sha, ForgeStatus wanted) override {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Send(call, "GET",
                      CommitUrl(call, sha, "/statuses/build/", wanted.context),
                      ""));
    if (answer.status == 404) co_return absl::nullopt;
    if (answer.status / 100 != 2) co_return Error(call, answer);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(ForgeStatus shown,
                                    ParseStatus(answer.body));
    if (shown.context != wanted.context) co_return absl::nullopt;
    co_return std::move(shown);
  }

  // In place of the one with its key, if there is any.
  asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) override {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const HttpResult answer,
        co_await Send(call, "POST", CommitUrl(call, sha, "/statuses/build"),
                      StatusBody(status)));
    if (answer.status / 100 != 2) co_return Error(call, answer);
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(ForgeStatus written,
                                    ParseStatus(answer.body));
    co_return std::move(written.id);
  }

  asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) override {
    absl::flat_hash_map<std::string, ForgeStatus> newest;
    std::string url = CommitUrl(call, sha, "/statuses?pagelen=100");
    for (int i = 0; i < kMaxPages && !url.empty(); ++i) {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                      co_await Send(call, "GET", url, ""));
      if (answer.status / 100 != 2) co_return Error(call, answer);
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Page page, ParsePage(answer.body));
      for (ForgeStatus& status : page.statuses) {
        const auto [it, is_new] = newest.try_emplace(status.context, status);
        if (!is_new && status.updated_at > it->second.updated_at) {
          it->second = std::move(status);
        }
      }
      url = std::move(page.next);
      // The credential goes nowhere that an answer says.
      const std::string base = ApiBase(call.target().address);
      if (!url.empty() && !absl::StartsWith(url, base + "/")) {
        co_return Unreadable();
      }
    }
    std::vector<ForgeStatus> statuses;
    for (auto& [key, status] : newest) statuses.push_back(std::move(status));
    co_return statuses;
  }

 private:
  // Of what is below a commit.
  static std::string CommitUrl(const ForgeCall& call, absl::string_view sha,
                               absl::string_view path,
                               absl::string_view key = "") {
    const GitAddress& address = call.target().address;
    std::string url = absl::StrCat(ApiBase(address), "/repositories");
    for (const absl::string_view name : absl::StrSplit(address.path, '/')) {
      absl::StrAppend(&url, "/", EscapePath(name));
    }
    return absl::StrCat(url, "/commit/", sha, path, key);
  }

  // What an answer quotes of the header is not masked as the token: it is
  // encoded there.
  static absl::Status Error(const ForgeCall& call, const HttpResult& answer) {
    std::string message = ErrorMessage(answer.body);
    if (const auto header = Authorization(call.target().access); header.ok()) {
      message = MaskSecrets(message, {header->substr(header->find(' ') + 1)});
    }
    return StatusFromAnswer(answer, call.Quote(message), call.Now());
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
    if (!body.empty()) request.headers.Add("Content-Type", "application/json");
    request.body = std::move(body);
    const char* operation = request.method == "GET" ? "read" : "write";
    co_return co_await call.Send(operation, std::move(request));
  }
};

}  // namespace

std::unique_ptr<Forge> MakeBitbucket() { return std::make_unique<Bitbucket>(); }

}  // namespace lamplighter::provider
