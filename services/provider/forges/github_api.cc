#include "services/provider/forges/github_api.h"

#include <cstdint>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/outgoing_text.h"
#include "simdjson.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::simdjson::dom::element;

constexpr size_t kMaxContext = 255;
constexpr int kMaxPages = 20;

absl::string_view Word(v1::CommitState state) {
  switch (state) {
    case v1::PENDING:
    case v1::RUNNING:
      return "pending";
    case v1::SUCCESS:
      return "success";
    case v1::FAILURE:
      return "failure";
    case v1::ERROR:
      return "error";
    default:
      return "";
  }
}

ForgeStatus ReadStatus(element object, absl::string_view state_key) {
  ForgeStatus status;
  status.context = StringAt(object, "context");
  status.state =
      StringAt(object, std::string_view(state_key.data(), state_key.size()));
  status.description = StringAt(object, "description");
  status.target_url = StringAt(object, "target_url");
  status.id = IdAt(object, "id");
  status.updated_at = TimeAt(object, "updated_at");
  return status;
}

// Ids are decimal numbers that grow.
bool IsNewer(const ForgeStatus& a, const ForgeStatus& b) {
  return std::make_pair(a.id.size(), absl::string_view(a.id)) >
         std::make_pair(b.id.size(), absl::string_view(b.id));
}

}  // namespace

absl::StatusOr<ForgeStatus> RenderLikeGitHub(const v1::StatusIntent& intent,
                                             size_t max_description) {
  ForgeStatus status;
  status.state = std::string(Word(intent.state()));
  if (status.state.empty()) {
    return absl::InvalidArgumentError("intent.state: must be a known state");
  }
  const size_t length = CountCharacters(intent.context());
  if (length == 0 || length > kMaxContext) {
    return absl::InvalidArgumentError(absl::StrCat(
        "intent.context: must have 1 to ", kMaxContext, " characters"));
  }
  status.context = intent.context();
  status.description = CutCharacters(intent.description(), max_description);
  status.target_url = intent.target_url();
  return status;
}

v1::CommitState StateLikeGitHub(absl::string_view forge_state) {
  if (forge_state == "pending") return v1::PENDING;
  if (forge_state == "success" || forge_state == "skipped") return v1::SUCCESS;
  if (forge_state == "failure" || forge_state == "warning") return v1::FAILURE;
  if (forge_state == "error") return v1::ERROR;
  return v1::COMMIT_STATE_UNSPECIFIED;
}

std::string StatusBody(const ForgeStatus& status) {
  boost::json::object body;
  body["state"] = status.state;
  if (!status.target_url.empty()) body["target_url"] = status.target_url;
  body["description"] = status.description;
  body["context"] = status.context;
  return boost::json::serialize(body);
}

absl::StatusOr<std::string> ParseCreated(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body).get(root)) return UnreadableAnswer();
  std::string id = IdAt(root, "id");
  if (id.empty()) return UnreadableAnswer();
  return id;
}

std::string ErrorMessage(const std::string& body) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(body).get(root)) return "";
  std::vector<std::string> messages;
  if (std::string message = StringAt(root, "message"); !message.empty()) {
    messages.push_back(std::move(message));
  }
  simdjson::dom::array errors;
  if (!root["errors"].get(errors)) {
    for (const element error : errors) {
      std::string_view text;
      if (error.get(text)) text = std::string_view();
      messages.push_back(text.empty() ? StringAt(error, "message")
                                      : std::string(text));
      if (messages.size() == 5) break;
    }
  }
  return absl::StrJoin(messages, "; ");
}

absl::StatusOr<std::vector<ForgeStatus>> ParseCombinedStatus(
    const std::string& body, absl::string_view state_key) {
  simdjson::dom::parser parser;
  element root;
  element list;
  if (parser.parse(body).get(root) || root["statuses"].get(list)) {
    return UnreadableAnswer();
  }
  std::vector<ForgeStatus> statuses;
  if (list.is_null()) return statuses;  // Gitea's word for none
  simdjson::dom::array array;
  if (list.get(array)) return UnreadableAnswer();
  for (const element entry : array) {
    statuses.push_back(ReadStatus(entry, state_key));
  }
  return statuses;
}

asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> ListOnPages(
    FetchPage fetch) {
  absl::flat_hash_map<std::string, ForgeStatus> newest;
  for (int page = 1; page <= kMaxPages; ++page) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(StatusPage got, co_await fetch(page));
    for (ForgeStatus& status : got.statuses) {
      const auto [it, is_new] = newest.try_emplace(status.context, status);
      if (!is_new && IsNewer(status, it->second)) {
        it->second = std::move(status);
      }
    }
    if (got.is_last) break;
  }
  std::vector<ForgeStatus> statuses;
  for (auto& [context, status] : newest) statuses.push_back(std::move(status));
  co_return statuses;
}

asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> FindOnPages(
    FetchPage fetch, IsWanted is_wanted) {
  absl::optional<ForgeStatus> newest;
  for (int page = 1; page <= kMaxPages && !newest; ++page) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(StatusPage got, co_await fetch(page));
    for (ForgeStatus& status : got.statuses) {
      if (!is_wanted(status)) continue;
      if (!newest || IsNewer(status, *newest)) newest = std::move(status);
    }
    if (got.is_last) break;
  }
  co_return newest;
}

}  // namespace lamplighter::provider
