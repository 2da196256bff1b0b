#include "services/ingest/forges/gitlab.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/ingest/forges/event_parts.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

namespace dom = simdjson::dom;

// The first is signed, where there is a signature; they are equal.
constexpr absl::string_view kDeliveryHeaders[] = {"webhook-id",
                                                  "Idempotency-Key"};

constexpr WebhookNormalizer::Dialect kDialect = {
    .event_header = "X-Gitlab-Event",
    .also_sends = {},
    .foreign_events = {},
    .delivery_headers = kDeliveryHeaders,
    .event_id_header = "X-Gitlab-Event-UUID",
    .signature_headers = {},
    .signature_prefix = "",
    .form_signs_json = false,
    .unproven_test = "",
    .default_instance = "",
};

constexpr int64_t kPublic = 20;  // a visibility_level

std::string Text(const dom::object& object, absl::string_view path) {
  return std::string(JsonText(object, path));
}

void ReadProject(const dom::object& project, v1::GitEvent& event) {
  v1::Repository& repository = *event.mutable_repository();
  repository.set_forge_id(JsonId(project, "id"));
  repository.set_full_name(Text(project, "path_with_namespace"));
  repository.set_web_url(Text(project, "web_url"));
  repository.set_clone_url(Text(project, "git_http_url"));
  repository.set_default_branch(Text(project, "default_branch"));
  repository.set_private_(
      JsonInteger(project, "visibility_level").value_or(kPublic) < kPublic);
  SetPlace(repository.web_url(), event, repository);
  if (repository.id().empty()) {
    SetPlace(repository.clone_url(), event, repository);
  }
}

// System hooks that are about a project have its fields at the top.
void ReadProjectEvent(const dom::object& body, v1::GitEvent::Type type,
                      v1::GitEvent& event) {
  event.set_type(type);
  SetOccurred(body, "updated_at", event);
  v1::Repository& repository = *event.mutable_repository();
  repository.set_forge_id(JsonId(body, "project_id"));
  repository.set_full_name(Text(body, "path_with_namespace"));
  const absl::string_view visibility = absl::StripPrefix(
      JsonText(body, "project_visibility"), "visibilitylevel|");
  repository.set_private_(!visibility.empty() && visibility != "public");
  if (event.instance().empty()) return;
  const std::string site = absl::StrCat("https://", event.instance(), "/");
  SetPlace(absl::StrCat(site, repository.full_name()), event, repository);
  const absl::string_view before = JsonText(body, "old_path_with_namespace");
  if (!before.empty()) {
    event.set_previous_repository_id(IdAt(absl::StrCat(site, before), event));
  }
}

// Bodies of pushes have the user's fields at the top, others an object.
void ReadSender(const dom::object& body, v1::GitEvent& event) {
  std::string name = Text(body, "user/username");
  std::string id = JsonId(body, "user/id");
  if (name.empty()) name = Text(body, "user_username");
  if (name.empty()) name = Text(body, "user_name");
  if (id.empty()) id = JsonId(body, "user_id");
  if (name.empty() && id.empty()) return;
  event.mutable_sender()->set_name(name);
  event.mutable_sender()->set_forge_id(id);
}

// `repository_update` of a system hook: all refs of one push.
void ReadChanges(const dom::object& body, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::PUSH);
  event.mutable_push();
  for (const dom::element element : JsonArray(body, "changes")) {
    dom::object change;
    if (element.get(change) != simdjson::SUCCESS) continue;
    AddRef(JsonText(change, "ref"), JsonText(change, "before"),
           JsonText(change, "after"), event);
  }
}

v1::PullRequest::Action ActionOf(absl::string_view action, bool has_commits) {
  if (action == "open") return v1::PullRequest::OPENED;
  if (action == "reopen") return v1::PullRequest::REOPENED;
  if (action == "close") return v1::PullRequest::CLOSED;
  if (action == "merge") return v1::PullRequest::MERGED;
  if (action == "update" && has_commits) return v1::PullRequest::SYNCHRONIZED;
  return v1::PullRequest::EDITED;
}

void ReadMergeRequest(const dom::object& body, v1::GitEvent& event) {
  const auto attributes = JsonObject(body, "object_attributes");
  if (!attributes.has_value()) return;
  event.set_type(v1::GitEvent::PULL_REQUEST);
  event.set_action(Text(*attributes, "action"));
  SetOccurred(*attributes, "updated_at", event);
  v1::PullRequest& request = *event.mutable_pull_request();
  request.set_action(
      ActionOf(event.action(), !JsonText(*attributes, "oldrev").empty()));
  request.set_number(JsonInteger(*attributes, "iid").value_or(0));
  request.set_title(Text(*attributes, "title"));
  request.set_web_url(Text(*attributes, "url"));
  request.set_head_sha(Text(*attributes, "last_commit/id"));
  request.set_head_ref(Text(*attributes, "source_branch"));
  request.set_base_ref(Text(*attributes, "target_branch"));
  const std::string head = IdAt(JsonText(*attributes, "source/web_url"), event);
  if (head != event.repository().id()) request.set_head_repository_id(head);
}

struct ProjectEvent {
  absl::string_view name;
  v1::GitEvent::Type type;
};
constexpr ProjectEvent kProjectEvents[] = {
    {"project_create", v1::GitEvent::REPOSITORY_CREATED},
    {"project_destroy", v1::GitEvent::REPOSITORY_DELETED},
    {"project_rename", v1::GitEvent::REPOSITORY_RENAMED},
    {"project_transfer", v1::GitEvent::REPOSITORY_TRANSFERRED},
    {"project_update", v1::GitEvent::REPOSITORY_UPDATED},
};

}  // namespace

const WebhookNormalizer::Dialect& GitLabNormalizer::dialect() const {
  return kDialect;
}

// The header of a system hook says only that it is one; the body says of what,
// in one of two fields.
void GitLabNormalizer::Normalize(const dom::object& body,
                                 v1::GitEvent& event) const {
  event.set_type(v1::GitEvent::OTHER);
  absl::string_view kind = JsonText(body, "object_kind");
  if (kind.empty()) kind = JsonText(body, "event_name");
  ReadSender(body, event);
  if (const auto project = JsonObject(body, "project"); project.has_value()) {
    ReadProject(*project, event);
    // System hooks have it elsewhere.
    for (const char* id :
         {"project_id", "object_attributes/target_project_id"}) {
      if (!event.repository().forge_id().empty()) break;
      event.mutable_repository()->set_forge_id(JsonId(body, id));
    }
  }
  if (kind == "push" || kind == "tag_push") {
    AddRef(JsonText(body, "ref"), JsonText(body, "before"),
           JsonText(body, "after"), event);
  } else if (kind == "merge_request") {
    ReadMergeRequest(body, event);
  } else if (kind == "repository_update") {
    ReadChanges(body, event);
  }
  for (const auto& [name, type] : kProjectEvents) {
    if (kind == name) ReadProjectEvent(body, type, event);
  }
}

}  // namespace lamplighter::ingest
