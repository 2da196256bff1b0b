#include "services/ingest/forges/bitbucket_server.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/ingest/forges/event_parts.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

namespace dom = simdjson::dom;

// Those of Bitbucket Cloud.
constexpr absl::string_view kForeignEvents[] = {"pullrequest:", "repo:push"};
constexpr absl::string_view kDeliveryHeaders[] = {"X-Request-Id"};
constexpr absl::string_view kSignatureHeaders[] = {"X-Hub-Signature"};

constexpr WebhookNormalizer::Dialect kDialect = {
    .event_header = "X-Event-Key",
    .also_sends = {},
    .foreign_events = kForeignEvents,
    .delivery_headers = kDeliveryHeaders,
    .event_id_header = "",
    .signature_headers = kSignatureHeaders,
    .signature_prefix = "sha256=",
    .form_signs_json = false,
    // The button "Test connection" signs nothing.
    .unproven_test = "diagnostics:ping",
    .default_instance = "",
};

std::string Text(const dom::object& object, absl::string_view path) {
  return std::string(JsonText(object, path));
}

// The `href` of the first link called `name`, or of the first of all.
absl::string_view Link(const dom::object& object, absl::string_view path,
                       absl::string_view name = "") {
  for (const dom::element element : JsonArray(object, path)) {
    dom::object link;
    if (element.get(link) != simdjson::SUCCESS) continue;
    if (name.empty() || JsonText(link, "name") == name) {
      return JsonText(link, "href");
    }
  }
  return "";
}

// An address of `repository`: its page's, which is right even where its clone
// address is that before a change; or what it must be on `instance`.
std::string AddressOf(const dom::object& repository,
                      absl::string_view instance) {
  const absl::string_view page = Link(repository, "links/self");
  if (!page.empty()) return std::string(page);
  const absl::string_view clone = Link(repository, "links/clone", "http");
  if (!clone.empty()) return std::string(clone);
  return absl::StrCat("https://", instance, "/scm/",
                      JsonText(repository, "project/key"), "/",
                      JsonText(repository, "slug"));
}

void ReadRepository(const dom::object& object, v1::GitEvent& event) {
  v1::Repository& repository = *event.mutable_repository();
  repository.set_forge_id(JsonId(object, "id"));
  repository.set_web_url(std::string(Link(object, "links/self")));
  repository.set_clone_url(std::string(Link(object, "links/clone", "http")));
  repository.set_private_(!JsonFlag(object, "public"));
  repository.set_archived(JsonFlag(object, "archived"));
  SetPlace(AddressOf(object, event.instance()), event, repository);
  if (repository.full_name().empty()) {
    repository.set_full_name(absl::StrCat(JsonText(object, "project/key"), "/",
                                          JsonText(object, "slug")));
  }
}

void ReadPush(const dom::object& body, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::PUSH);
  event.mutable_push();
  for (const dom::element element : JsonArray(body, "changes")) {
    dom::object change;
    if (element.get(change) != simdjson::SUCCESS) continue;
    AddRef(JsonText(change, "ref/id"), JsonText(change, "fromHash"),
           JsonText(change, "toHash"), event);
  }
}

void ReadPullRequest(const dom::object& request_object,
                     v1::PullRequest::Action action, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::PULL_REQUEST);
  v1::PullRequest& request = *event.mutable_pull_request();
  request.set_action(action);
  request.set_number(JsonInteger(request_object, "id").value_or(0));
  request.set_title(Text(request_object, "title"));
  request.set_web_url(std::string(Link(request_object, "links/self")));
  request.set_head_sha(Text(request_object, "fromRef/latestCommit"));
  request.set_head_ref(Branch(JsonText(request_object, "fromRef/id")));
  request.set_base_ref(Branch(JsonText(request_object, "toRef/id")));
  const auto source = JsonObject(request_object, "fromRef/repository");
  if (!source.has_value()) return;
  const std::string head = IdAt(AddressOf(*source, event.instance()), event);
  if (head != event.repository().id()) request.set_head_repository_id(head);
}

// `repo:modified`: what the repository was and is.
void ReadModified(const dom::object& before, const dom::object& now,
                  v1::GitEvent& event) {
  ReadRepository(now, event);
  const bool was_archived = JsonFlag(before, "archived");
  if (JsonId(before, "project/id") != JsonId(now, "project/id")) {
    event.set_type(v1::GitEvent::REPOSITORY_TRANSFERRED);
  } else if (JsonText(before, "slug") != JsonText(now, "slug")) {
    event.set_type(v1::GitEvent::REPOSITORY_RENAMED);
  } else if (was_archived != event.repository().archived()) {
    event.set_type(was_archived ? v1::GitEvent::REPOSITORY_UNARCHIVED
                                : v1::GitEvent::REPOSITORY_ARCHIVED);
  } else {
    event.set_type(v1::GitEvent::REPOSITORY_UPDATED);
  }
  const std::string id = IdAt(AddressOf(before, event.instance()), event);
  if (id != event.repository().id()) event.set_previous_repository_id(id);
}

struct PullRequestEvent {
  absl::string_view name;
  v1::PullRequest::Action action;
};
constexpr PullRequestEvent kPullRequestEvents[] = {
    {"pr:opened", v1::PullRequest::OPENED},
    {"pr:from_ref_updated", v1::PullRequest::SYNCHRONIZED},
    {"pr:modified", v1::PullRequest::EDITED},
    {"pr:merged", v1::PullRequest::MERGED},
    {"pr:declined", v1::PullRequest::CLOSED},
    {"pr:deleted", v1::PullRequest::CLOSED},
};

}  // namespace

const WebhookNormalizer::Dialect& BitbucketServerNormalizer::dialect() const {
  return kDialect;
}

void BitbucketServerNormalizer::Normalize(const dom::object& body,
                                          v1::GitEvent& event) const {
  event.set_type(v1::GitEvent::OTHER);
  SetOccurred(body, "date", event);
  if (const auto actor = JsonObject(body, "actor"); actor.has_value()) {
    event.mutable_sender()->set_name(Text(*actor, "name"));
    event.mutable_sender()->set_forge_id(JsonId(*actor, "id"));
  }
  auto repository = JsonObject(body, "repository");
  const auto request = JsonObject(body, "pullRequest");
  if (request.has_value()) {
    repository = JsonObject(*request, "toRef/repository");
  }
  if (repository.has_value()) ReadRepository(*repository, event);
  const std::string& name = event.event();
  if (name == "diagnostics:ping") {
    event.set_type(v1::GitEvent::PING);
  } else if (name == "repo:refs_changed" ||
             name == "mirror:repo_synchronized") {
    ReadPush(body, event);
  } else if (name == "repo:forked") {  // `repository` is the fork
    event.set_type(v1::GitEvent::REPOSITORY_CREATED);
  } else if (name == "repo:modified") {
    const auto before = JsonObject(body, "old");
    const auto now = JsonObject(body, "new");
    if (before.has_value() && now.has_value()) {
      ReadModified(*before, *now, event);
    }
  }
  if (!request.has_value()) return;
  for (const auto& [pull_request, action] : kPullRequestEvents) {
    if (name == pull_request) ReadPullRequest(*request, action, event);
  }
}

}  // namespace lamplighter::ingest
