#include "services/ingest/forges/bitbucket.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/ingest/forges/event_parts.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

namespace dom = simdjson::dom;

constexpr absl::string_view kAlsoSends[] = {"X-Hook-UUID"};
// Those of Bitbucket Data Center.
constexpr absl::string_view kForeignEvents[] = {"pr:", "repo:refs_changed",
                                                "diagnostics:", "mirror:"};
constexpr absl::string_view kDeliveryHeaders[] = {"X-Request-UUID"};
constexpr absl::string_view kSignatureHeaders[] = {"X-Hub-Signature"};
constexpr char kInstance[] = "bitbucket.org";
// Commits are named by 40 digits elsewhere and by 12 in pull requests.
constexpr size_t kWholeSha = 40;

constexpr WebhookNormalizer::Dialect kDialect = {
    .event_header = "X-Event-Key",
    .also_sends = kAlsoSends,
    .foreign_events = kForeignEvents,
    .delivery_headers = kDeliveryHeaders,
    .event_id_header = "",
    .signature_headers = kSignatureHeaders,
    .signature_prefix = "sha256=",
    .form_signs_json = false,
    .unproven_test = "",
    .default_instance = kInstance,
};

std::string Text(const dom::object& object, absl::string_view path) {
  return std::string(JsonText(object, path));
}

std::string UrlOf(absl::string_view full_name) {
  return absl::StrCat("https://", kInstance, "/", full_name);
}

void ReadRepository(const dom::object& object, v1::GitEvent& event) {
  v1::Repository& repository = *event.mutable_repository();
  repository.set_forge_id(Text(object, "uuid"));
  repository.set_full_name(Text(object, "full_name"));
  repository.set_default_branch(Text(object, "mainbranch/name"));
  repository.set_private_(JsonFlag(object, "is_private"));
  if (repository.full_name().empty()) return;
  // There is but one Bitbucket Cloud, whatever the links say.
  repository.set_web_url(UrlOf(repository.full_name()));
  repository.set_clone_url(absl::StrCat(repository.web_url(), ".git"));
  SetPlace(repository.web_url(), event, repository);
}

void ReadChange(const dom::object& change, v1::GitEvent& event) {
  const auto now = JsonObject(change, "new");
  const auto before = JsonObject(change, "old");
  if (!now.has_value() && !before.has_value()) return;
  const dom::object& ref = now.has_value() ? *now : *before;
  const absl::string_view name = JsonText(ref, "name");
  if (name.empty()) return;
  const absl::string_view type = JsonText(ref, "type");
  const bool is_tag = type == "tag" || type == "annotated_tag";
  v1::RefUpdate* const update =
      AddRef(absl::StrCat(is_tag ? "refs/tags/" : "refs/heads/", name),
             JsonText(change, "old/target/hash"),
             JsonText(change, "new/target/hash"), event);
  if (update != nullptr) update->set_forced(JsonFlag(change, "forced"));
}

void ReadPush(const dom::object& body, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::PUSH);
  event.mutable_push();
  for (const dom::element element : JsonArray(body, "push/changes")) {
    dom::object change;
    if (element.get(change) == simdjson::SUCCESS) ReadChange(change, event);
  }
}

void ReadPullRequest(const dom::object& body, v1::PullRequest::Action action,
                     v1::GitEvent& event) {
  const auto object = JsonObject(body, "pullrequest");
  if (!object.has_value()) return;
  event.set_type(v1::GitEvent::PULL_REQUEST);
  SetOccurred(*object, "updated_on", event);
  v1::PullRequest& request = *event.mutable_pull_request();
  request.set_action(action);
  request.set_number(JsonInteger(*object, "id").value_or(0));
  request.set_title(Text(*object, "title"));
  request.set_web_url(Text(*object, "links/html/href"));
  request.set_head_sha(Text(*object, "source/commit/hash"));
  request.set_head_sha_abbreviated(!request.head_sha().empty() &&
                                   request.head_sha().size() < kWholeSha);
  request.set_head_ref(Text(*object, "source/branch/name"));
  request.set_base_ref(Text(*object, "destination/branch/name"));
  const absl::string_view source =
      JsonText(*object, "source/repository/full_name");
  const std::string head = source.empty() ? "" : IdAt(UrlOf(source), event);
  if (head != event.repository().id()) request.set_head_repository_id(head);
}

void ReadUpdate(const dom::object& body, v1::GitEvent& event) {
  const absl::string_view before = JsonText(body, "changes/full_name/old");
  event.set_type(before.empty() ? v1::GitEvent::REPOSITORY_UPDATED
                                : v1::GitEvent::REPOSITORY_RENAMED);
  if (before.empty()) return;
  event.set_previous_repository_id(IdAt(UrlOf(before), event));
}

struct PullRequestEvent {
  absl::string_view name;
  v1::PullRequest::Action action;
};
constexpr PullRequestEvent kPullRequestEvents[] = {
    {"pullrequest:created", v1::PullRequest::OPENED},
    {"pullrequest:updated", v1::PullRequest::SYNCHRONIZED},
    {"pullrequest:fulfilled", v1::PullRequest::MERGED},
    {"pullrequest:rejected", v1::PullRequest::CLOSED},
};

}  // namespace

const WebhookNormalizer::Dialect& BitbucketNormalizer::dialect() const {
  return kDialect;
}

void BitbucketNormalizer::Normalize(const dom::object& body,
                                    v1::GitEvent& event) const {
  event.set_type(v1::GitEvent::OTHER);
  event.set_instance(kInstance);
  if (const auto actor = JsonObject(body, "actor"); actor.has_value()) {
    std::string name = Text(*actor, "nickname");
    if (name.empty()) name = Text(*actor, "display_name");
    event.mutable_sender()->set_name(name);
    event.mutable_sender()->set_forge_id(Text(*actor, "uuid"));
  }
  if (const auto object = JsonObject(body, "repository"); object.has_value()) {
    ReadRepository(*object, event);
  }
  const std::string& name = event.event();
  if (name == "repo:push") {
    ReadPush(body, event);
  } else if (name == "repo:updated") {
    ReadUpdate(body, event);
  } else if (name == "repo:transfer") {
    event.set_type(v1::GitEvent::REPOSITORY_TRANSFERRED);
  } else if (name == "repo:created") {
    event.set_type(v1::GitEvent::REPOSITORY_CREATED);
  } else if (name == "repo:deleted") {
    event.set_type(v1::GitEvent::REPOSITORY_DELETED);
  }
  for (const auto& [pull_request, action] : kPullRequestEvents) {
    if (name == pull_request) ReadPullRequest(body, action, event);
  }
}

}  // namespace lamplighter::ingest
