#include "services/provider/forges/azuredevops/azuredevops_statuses.h"

#include <cstddef>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "services/provider/forges/azuredevops/azuredevops_client.h"
#include "services/provider/forges/github_api.h"
#include "services/provider/forges/json_text.h"
#include "services/provider/outgoing_text.h"
#include "simdjson.h"

namespace lamplighter::provider::azuredevops {
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
  status.id = IdAt(object, "id");
  // Statuses are never changed, only followed by others.
  status.updated_at = TimeAt(object, "creationDate");
  return status;
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

std::string StatusesPath(const ForgeCall& call, const std::string& sha) {
  return absl::StrCat(RepositoryPath(call), "/commits/", sha, "/statuses");
}

// Without latestOnly it is a commit's whole history, in no stated order.
asio::awaitable<absl::StatusOr<StatusPage>> ReadPage(ForgeCall& call,
                                                     std::string sha,
                                                     int page) {
  Request request;
  request.path =
      absl::StrCat(StatusesPath(call, sha), "?latestOnly=true&top=", kPageSize);
  if (page > 1)
    absl::StrAppend(&request.path, "&skip=", (page - 1) * kPageSize);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                  co_await Send(call, std::move(request)));
  simdjson::dom::parser parser;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const simdjson::dom::array list,
                                  ParseList(parser, answer.body));
  StatusPage result;
  for (const element entry : list) {
    result.statuses.push_back(ReadStatus(entry));
  }
  result.is_last = result.statuses.size() < kPageSize;
  co_return result;
}

}  // namespace

absl::StatusOr<ForgeStatus> RenderStatus(const v1::StatusIntent& intent) {
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

v1::CommitState StateOf(absl::string_view forge_state) {
  if (forge_state == "pending") return v1::PENDING;
  if (forge_state == "succeeded" || forge_state == "notApplicable") {
    return v1::SUCCESS;
  }
  if (forge_state == "failed" || forge_state == "error") return v1::FAILURE;
  return v1::COMMIT_STATE_UNSPECIFIED;  // "notSet" too
}

asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> FindStatus(
    ForgeCall& call, std::string sha, ForgeStatus wanted) {
  co_return co_await FindOnPages(
      [&](int page) { return ReadPage(call, sha, page); },
      [&](const ForgeStatus& status) {
        return status.genre == wanted.genre && status.context == wanted.context;
      });
}

asio::awaitable<absl::StatusOr<std::string>> WriteStatus(ForgeCall& call,
                                                         std::string sha,
                                                         ForgeStatus status) {
  Request request;
  request.method = "POST";
  request.path = StatusesPath(call, sha);
  request.body = Body(status);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult answer,
                                  co_await Send(call, std::move(request)));
  co_return ParseCreated(answer.body);
}

asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> ListStatuses(
    ForgeCall& call, std::string sha) {
  co_return co_await ListOnPages(
      [&](int page) { return ReadPage(call, sha, page); });
}

}  // namespace lamplighter::provider::azuredevops
