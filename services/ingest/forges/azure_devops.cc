#include "services/ingest/forges/azure_devops.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/ingest/forges/event_parts.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

namespace dom = simdjson::dom;

// There is nothing in the headers.
constexpr WebhookNormalizer::Dialect kDialect = {
    .event_header = "",
    .also_sends = {},
    .foreign_events = {},
    .delivery_headers = {},
    .event_id_header = "",
    .signature_headers = {},
    .signature_prefix = "",
    .form_signs_json = false,
    .unproven_test = "",
    .default_instance = "",
};

std::string Text(const dom::object& object, absl::string_view path) {
  return std::string(JsonText(object, path));
}

// Clone addresses name the organization as their user.
std::string WithoutUser(absl::string_view url) {
  const size_t host = url.find("://");
  const size_t at = url.find('@');
  if (host == absl::string_view::npos || at == absl::string_view::npos ||
      at > url.find('/', host + 3)) {
    return std::string(url);
  }
  return absl::StrCat(url.substr(0, host + 3), url.substr(at + 1));
}

// What the clone address of `name` must be, for bodies without it; empty where
// they do not say of which organization or collection they are either.
std::string CloneUrl(const dom::object& body, absl::string_view project,
                     absl::string_view name, const v1::GitEvent& event) {
  const std::string site =
      event.instance().empty()
          ? Text(body, "resourceContainers/collection/baseUrl")
          : absl::StrCat("https://", event.instance());
  if (site.empty()) return "";
  return absl::StrCat(absl::StripSuffix(site, "/"), "/", project, "/_git/",
                      name);
}

void ReadRepository(const dom::object& body, const dom::object& object,
                    v1::GitEvent& event) {
  v1::Repository& repository = *event.mutable_repository();
  const absl::string_view project = JsonText(object, "project/name");
  const absl::string_view name = JsonText(object, "name");
  repository.set_forge_id(Text(object, "id"));
  repository.set_clone_url(WithoutUser(JsonText(object, "remoteUrl")));
  if (repository.clone_url().empty()) {
    repository.set_clone_url(CloneUrl(body, project, name, event));
  }
  repository.set_web_url(Text(object, "webUrl"));
  if (repository.web_url().empty()) {
    repository.set_web_url(repository.clone_url());  // they are the same
  }
  repository.set_default_branch(Branch(JsonText(object, "defaultBranch")));
  repository.set_private_(JsonText(object, "project/visibility") == "private");
  repository.set_archived(JsonFlag(object, "isDisabled"));
  SetPlace(repository.clone_url(), event, repository);
  if (repository.full_name().empty()) {
    repository.set_full_name(absl::StrCat(project, "/", name));
  }
}

void SetSender(const dom::object& resource, absl::string_view who,
               v1::GitEvent& event) {
  const auto identity = JsonObject(resource, who);
  if (!identity.has_value()) return;
  event.mutable_sender()->set_name(Text(*identity, "uniqueName"));
  event.mutable_sender()->set_forge_id(Text(*identity, "id"));
}

void ReadPush(const dom::object& resource, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::PUSH);
  event.mutable_push();
  SetOccurred(resource, "date", event);
  SetSender(resource, "pushedBy", event);
  for (const dom::element element : JsonArray(resource, "refUpdates")) {
    dom::object update;
    if (element.get(update) != simdjson::SUCCESS) continue;
    AddRef(JsonText(update, "name"), JsonText(update, "oldObjectId"),
           JsonText(update, "newObjectId"), event);
  }
}

v1::PullRequest::Action ActionOf(absl::string_view event,
                                 absl::string_view status) {
  if (event == "git.pullrequest.created") return v1::PullRequest::OPENED;
  if (status == "completed") return v1::PullRequest::MERGED;
  if (status == "abandoned") return v1::PullRequest::CLOSED;
  // Of `merged`, which means that a merge was tried.
  return event == "git.pullrequest.updated" ? v1::PullRequest::SYNCHRONIZED
                                            : v1::PullRequest::EDITED;
}

void ReadPullRequest(const dom::object& resource, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::PULL_REQUEST);
  event.set_action(Text(resource, "status"));
  v1::PullRequest& request = *event.mutable_pull_request();
  request.set_action(ActionOf(event.event(), event.action()));
  if (request.action() == v1::PullRequest::OPENED) {
    SetSender(resource, "createdBy", event);
  } else {
    SetSender(resource, "closedBy", event);
  }
  request.set_number(JsonInteger(resource, "pullRequestId").value_or(0));
  request.set_title(Text(resource, "title"));
  request.set_web_url(Text(resource, "_links/web/href"));
  if (request.web_url().empty() && !event.repository().web_url().empty()) {
    request.set_web_url(absl::StrCat(event.repository().web_url(),
                                     "/pullrequest/", request.number()));
  }
  // There is none before the first try to merge.
  request.set_head_sha(Text(resource, "lastMergeSourceCommit/commitId"));
  request.set_head_ref(Branch(JsonText(resource, "sourceRefName")));
  request.set_base_ref(Branch(JsonText(resource, "targetRefName")));
  const absl::string_view fork =
      JsonText(resource, "forkSource/repository/remoteUrl");
  if (!fork.empty()) request.set_head_repository_id(IdAt(fork, event));
}

// The names and the id are all it has.
void ReadDeleted(const dom::object& body, const dom::object& resource,
                 v1::GitEvent& event) {
  event.set_type(v1::GitEvent::REPOSITORY_DELETED);
  v1::Repository& repository = *event.mutable_repository();
  const absl::string_view project = JsonText(resource, "project/name");
  const absl::string_view name = JsonText(resource, "repositoryName");
  repository.set_forge_id(Text(resource, "repositoryId"));
  repository.set_full_name(absl::StrCat(project, "/", name));
  SetPlace(CloneUrl(body, project, name, event), event, repository);
}

void ReadRepositoryEvent(const dom::object& body, const dom::object& resource,
                         v1::GitEvent& event) {
  const std::string& name = event.event();
  SetSender(resource, "initiatedBy", event);
  SetOccurred(resource, "utcTimestamp", event);
  if (name == "git.repo.created" || name == "git.repo.forked") {
    event.set_type(v1::GitEvent::REPOSITORY_CREATED);
  } else if (name == "git.repo.renamed") {
    event.set_type(v1::GitEvent::REPOSITORY_RENAMED);
    const absl::string_view before = JsonText(resource, "oldName");
    if (!before.empty()) {
      event.set_previous_repository_id(PreviousId(event, "", before));
    }
  } else if (name == "git.repo.statuschanged") {
    const bool disabled = JsonFlag(resource, "disabled");
    event.set_type(disabled ? v1::GitEvent::REPOSITORY_ARCHIVED
                            : v1::GitEvent::REPOSITORY_UNARCHIVED);
    event.mutable_repository()->set_archived(disabled);
  } else if (name == "git.repo.deleted") {
    ReadDeleted(body, resource, event);
  }
}

}  // namespace

const WebhookNormalizer::Dialect& AzureDevOpsNormalizer::dialect() const {
  return kDialect;
}

void AzureDevOpsNormalizer::Normalize(const dom::object& body,
                                      v1::GitEvent& event) const {
  event.set_type(v1::GitEvent::OTHER);
  event.set_event(Text(body, "eventType"));
  // The id is the event's: each subscription to it has a delivery.
  event.set_delivery_id(Text(body, "id"));
  const absl::string_view subscription = JsonText(body, "subscriptionId");
  if (!event.delivery_id().empty() && !subscription.empty()) {
    absl::StrAppend(event.mutable_delivery_id(), "/", subscription);
  }
  SetOccurred(body, "createdDate", event);
  const auto resource = JsonObject(body, "resource");
  if (!resource.has_value()) return;
  if (const auto object = JsonObject(*resource, "repository");
      object.has_value()) {
    ReadRepository(body, *object, event);
  }
  const std::string& name = event.event();
  if (name == "git.push") {
    ReadPush(*resource, event);
  } else if (name == "git.pullrequest.created" ||
             name == "git.pullrequest.updated" ||
             name == "git.pullrequest.merged") {
    ReadPullRequest(*resource, event);
  } else {
    ReadRepositoryEvent(body, *resource, event);
  }
}

}  // namespace lamplighter::ingest
