#include "services/ingest/forges/payload.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/forge/git_address.h"
#include "services/ingest/forges/event_parts.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

namespace dom = simdjson::dom;

std::string Text(const dom::object& object, absl::string_view path) {
  return std::string(JsonText(object, path));
}

void ReadRepository(const dom::object& body, v1::GitEvent& event) {
  const auto object = JsonObject(body, "repository");
  if (!object.has_value()) return;
  v1::Repository& repository = *event.mutable_repository();
  repository.set_forge_id(JsonId(*object, "id"));
  repository.set_full_name(Text(*object, "full_name"));
  repository.set_web_url(Text(*object, "html_url"));
  repository.set_clone_url(Text(*object, "clone_url"));
  repository.set_default_branch(Text(*object, "default_branch"));
  repository.set_private_(JsonFlag(*object, "private"));
  repository.set_archived(JsonFlag(*object, "archived"));
  if (repository.full_name().empty()) return;
  SetPlace(repository.web_url(), event, repository);
  if (repository.id().empty()) {
    SetPlace(repository.clone_url(), event, repository);
  }
}

void ReadSender(const dom::object& body, v1::GitEvent& event) {
  const auto sender = JsonObject(body, "sender");
  if (!sender.has_value()) return;
  v1::Actor& actor = *event.mutable_sender();
  actor.set_name(Text(*sender, "login"));
  actor.set_forge_id(JsonId(*sender, "id"));
  if (event.instance().empty()) {
    event.set_instance(InstanceOf(JsonText(*sender, "html_url"), actor.name()));
  }
}

v1::PullRequest::Action PullRequestAction(absl::string_view action,
                                          bool merged) {
  if (action == "opened") return v1::PullRequest::OPENED;
  if (action == "reopened") return v1::PullRequest::REOPENED;
  // GitHub's word and Gitea's.
  if (action == "synchronize" || action == "synchronized") {
    return v1::PullRequest::SYNCHRONIZED;
  }
  if (action == "closed") {
    return merged ? v1::PullRequest::MERGED : v1::PullRequest::CLOSED;
  }
  return v1::PullRequest::EDITED;
}

v1::GitEvent::Type RepositoryType(absl::string_view action) {
  if (action == "created") return v1::GitEvent::REPOSITORY_CREATED;
  if (action == "deleted") return v1::GitEvent::REPOSITORY_DELETED;
  if (action == "renamed") return v1::GitEvent::REPOSITORY_RENAMED;
  if (action == "transferred") return v1::GitEvent::REPOSITORY_TRANSFERRED;
  if (action == "archived") return v1::GitEvent::REPOSITORY_ARCHIVED;
  if (action == "unarchived") return v1::GitEvent::REPOSITORY_UNARCHIVED;
  if (action == "edited" || action == "publicized" || action == "privatized") {
    return v1::GitEvent::REPOSITORY_UPDATED;
  }
  return v1::GitEvent::OTHER;
}

}  // namespace

std::string InstanceOf(absl::string_view url, absl::string_view account) {
  const absl::StatusOr<GitAddress> address = ParseGitAddress(url);
  if (!address.ok() || account.empty()) return "";
  const std::string place =
      absl::AsciiStrToLower(absl::StrCat(address->host, "/", address->path));
  absl::string_view instance = place;
  if (!absl::ConsumeSuffix(&instance, absl::AsciiStrToLower(account)) ||
      !absl::ConsumeSuffix(&instance, "/") ||
      !simdjson::validate_utf8(instance.data(), instance.size())) {
    return "";
  }
  return std::string(instance);
}

void ReadCommon(const dom::object& body, v1::GitEvent& event) {
  event.set_action(Text(body, "action"));
  ReadRepository(body, event);
  ReadSender(body, event);
}

void ReadPush(const dom::object& body, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::OTHER);
  v1::RefUpdate* const update =
      AddRef(JsonText(body, "ref"), JsonText(body, "before"),
             JsonText(body, "after"), event);
  if (update != nullptr) update->set_forced(JsonFlag(body, "forced"));
}

void ReadPullRequest(const dom::object& body, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::OTHER);
  const auto object = JsonObject(body, "pull_request");
  if (!object.has_value()) return;
  event.set_type(v1::GitEvent::PULL_REQUEST);
  SetOccurred(*object, "updated_at", event);
  v1::PullRequest& request = *event.mutable_pull_request();
  request.set_action(
      PullRequestAction(event.action(), JsonFlag(*object, "merged")));
  request.set_number(JsonInteger(*object, "number").value_or(0));
  request.set_title(Text(*object, "title"));
  request.set_web_url(Text(*object, "html_url"));
  request.set_base_ref(Branch(JsonText(*object, "base/ref")));
  request.set_head_sha(Text(*object, "head/sha"));
  request.set_head_ref(Branch(JsonText(*object, "head/ref")));
  // There is none where the fork is gone.
  std::string head = IdAt(JsonText(*object, "head/repo/html_url"), event);
  if (head != event.repository().id()) {
    request.set_head_repository_id(std::move(head));
  }
}

void ReadRepositoryEvent(const dom::object& body, v1::GitEvent& event) {
  event.set_type(RepositoryType(event.action()));
  SetOccurred(body, "repository/updated_at", event);
  absl::string_view owner = JsonText(body, "changes/owner/from/user/login");
  if (owner.empty()) {
    owner = JsonText(body, "changes/owner/from/organization/login");
  }
  const absl::string_view name = JsonText(body, "changes/repository/name/from");
  if (owner.empty() && name.empty()) return;
  event.set_previous_repository_id(PreviousId(event, owner, name));
}

}  // namespace lamplighter::ingest
