#include "services/ingest/forges/payload.h"

#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/forge/git_address.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

namespace dom = simdjson::dom;

std::string Text(const dom::object& object, absl::string_view key) {
  return std::string(JsonText(object, key));
}

bool Flag(const dom::object& object, std::string_view key) {
  bool value = false;
  return object.at_key(key).get(value) == simdjson::SUCCESS && value;
}

int64_t Integer(const dom::object& object, std::string_view key) {
  int64_t value = 0;
  return object.at_key(key).get(value) == simdjson::SUCCESS ? value : 0;
}

std::string NumberText(const dom::object& object, std::string_view key) {
  int64_t value = 0;
  if (object.at_key(key).get(value) != simdjson::SUCCESS) return "";
  return absl::StrCat(value);
}

void ReadRepository(const dom::object& body, v1::GitEvent& event) {
  const auto object = JsonObject(body, "repository");
  if (!object.has_value()) return;
  v1::Repository& repository = *event.mutable_repository();
  repository.set_forge_id(NumberText(*object, "id"));
  repository.set_full_name(Text(*object, "full_name"));
  repository.set_web_url(Text(*object, "html_url"));
  repository.set_clone_url(Text(*object, "clone_url"));
  repository.set_default_branch(Text(*object, "default_branch"));
  repository.set_private_(Flag(*object, "private"));
  repository.set_archived(Flag(*object, "archived"));
  RepositoryPlace place = PlaceOf(repository.web_url(), repository.full_name());
  if (place.id.empty()) {
    place = PlaceOf(repository.clone_url(), repository.full_name());
  }
  event.set_instance(place.instance);
  repository.set_id(place.id);
}

void ReadSender(const dom::object& body, v1::GitEvent& event) {
  const auto sender = JsonObject(body, "sender");
  if (!sender.has_value()) return;
  v1::Actor& actor = *event.mutable_sender();
  actor.set_name(Text(*sender, "login"));
  actor.set_forge_id(NumberText(*sender, "id"));
  if (event.instance().empty()) {
    event.set_instance(
        PlaceOf(JsonText(*sender, "html_url"), actor.name()).instance);
  }
}

bool IsNone(absl::string_view object_id) {
  return object_id.find_first_not_of('0') == absl::string_view::npos;
}

v1::PullRequest::Action PullRequestAction(absl::string_view action,
                                          bool merged) {
  if (action == "opened" || action == "reopened") {
    return v1::PullRequest::OPENED;
  }
  // GitHub's word and Gitea's.
  if (action == "synchronize" || action == "synchronized") {
    return v1::PullRequest::SYNCHRONIZED;
  }
  if (action == "closed") {
    return merged ? v1::PullRequest::MERGED : v1::PullRequest::CLOSED;
  }
  return v1::PullRequest::EDITED;
}

std::string Branch(const dom::object& end) {
  return std::string(absl::StripPrefix(JsonText(end, "ref"), "refs/heads/"));
}

std::string RepositoryIdOf(const dom::object& end) {
  const auto repository = JsonObject(end, "repo");
  if (!repository.has_value()) return "";  // a fork that is gone
  return PlaceOf(JsonText(*repository, "html_url"),
                 JsonText(*repository, "full_name"))
      .id;
}

}  // namespace

RepositoryPlace PlaceOf(absl::string_view url, absl::string_view full_name) {
  const absl::StatusOr<GitAddress> address = ParseGitAddress(url);
  if (!address.ok() || full_name.empty()) return {};
  const std::string id =
      absl::AsciiStrToLower(absl::StrCat(address->host, "/", address->path));
  absl::string_view instance = id;
  if (!absl::ConsumeSuffix(&instance, absl::AsciiStrToLower(full_name)) ||
      !absl::ConsumeSuffix(&instance, "/")) {
    return {};
  }
  return {.instance = std::string(instance), .id = id};
}

void ReadCommon(const dom::object& body, v1::GitEvent& event) {
  event.set_action(Text(body, "action"));
  ReadRepository(body, event);
  ReadSender(body, event);
}

void ReadPush(const dom::object& body, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::OTHER);
  const absl::string_view ref = JsonText(body, "ref");
  const absl::string_view before = JsonText(body, "before");
  const absl::string_view after = JsonText(body, "after");
  // Of a ref that moved from nowhere to nowhere nothing can be said.
  if (ref.empty() || (IsNone(before) && IsNone(after))) return;
  event.set_type(v1::GitEvent::PUSH);
  v1::RefUpdate& update = *event.mutable_push()->add_refs();
  update.set_ref(std::string(ref));
  update.set_forced(Flag(body, "forced"));
  update.set_action(IsNone(after)    ? v1::RefUpdate::DELETED
                    : IsNone(before) ? v1::RefUpdate::CREATED
                                     : v1::RefUpdate::UPDATED);
  if (!IsNone(before)) update.set_before(std::string(before));
  if (!IsNone(after)) update.set_after(std::string(after));
}

void ReadPullRequest(const dom::object& body, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::OTHER);
  const auto object = JsonObject(body, "pull_request");
  if (!object.has_value()) return;
  event.set_type(v1::GitEvent::PULL_REQUEST);
  v1::PullRequest& request = *event.mutable_pull_request();
  request.set_action(
      PullRequestAction(event.action(), Flag(*object, "merged")));
  request.set_number(Integer(*object, "number"));
  request.set_title(Text(*object, "title"));
  request.set_web_url(Text(*object, "html_url"));
  if (const auto base = JsonObject(*object, "base"); base.has_value()) {
    request.set_base_ref(Branch(*base));
  }
  const auto head = JsonObject(*object, "head");
  if (!head.has_value()) return;
  request.set_head_sha(Text(*head, "sha"));
  request.set_head_ref(Branch(*head));
  if (std::string id = RepositoryIdOf(*head); id != event.repository().id()) {
    request.set_head_repository_id(std::move(id));
  }
}

v1::GitEvent::Type RepositoryType(absl::string_view action) {
  if (action == "created") return v1::GitEvent::REPOSITORY_CREATED;
  if (action == "deleted") return v1::GitEvent::REPOSITORY_DELETED;
  if (action == "renamed" || action == "transferred" ||
      action == "publicized" || action == "privatized") {
    return v1::GitEvent::REPOSITORY_RENAMED;
  }
  return v1::GitEvent::OTHER;
}

}  // namespace lamplighter::ingest
