// Bodies of webhooks through each forge's normalizer. The first byte chooses
// forge and event, the second whether the rest is JSON as it is or what a
// document is made of: words that normalizers look for, in any shape.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/ingest/event_records.h"
#include "services/ingest/forges/forges.h"
#include "services/ingest/fuzz/expect.h"
#include "services/ingest/json_parser.h"
#include "services/ingest/sources.h"
#include "simdjson.h"

namespace lamplighter::ingest {
namespace {

constexpr absl::string_view kEvents[] = {
    "push", "pull_request", "repository", "installation",
    "installation_repositories", "delete", "public", "ping",
    // GitLab's are in the body, and so are Azure DevOps's.
    "Push Hook", "System Hook",
    // Bitbucket's.
    "repo:push", "repo:updated", "repo:transfer", "pullrequest:created",
    "pullrequest:updated", "repo:refs_changed", "mirror:repo_synchronized",
    "repo:modified", "repo:forked", "pr:opened", "pr:merged",
    "diagnostics:ping"};

constexpr absl::string_view kKeys[] = {"action",
                                       "repository",
                                       "id",
                                       "full_name",
                                       "html_url",
                                       "clone_url",
                                       "default_branch",
                                       "private",
                                       "archived",
                                       "sender",
                                       "login",
                                       "ref",
                                       "before",
                                       "after",
                                       "forced",
                                       "pull_request",
                                       "number",
                                       "title",
                                       "merged",
                                       "base",
                                       "head",
                                       "sha",
                                       "repo",
                                       "updated_at",
                                       "pushed_at",
                                       "changes",
                                       "owner",
                                       "from",
                                       "user",
                                       "organization",
                                       "name",
                                       "installation",
                                       "account",
                                       "repositories",
                                       "repositories_added",
                                       "repositories_removed",
                                       "ref_type",
                                       "object_kind",
                                       "event_name",
                                       "project",
                                       "path_with_namespace",
                                       "web_url",
                                       "git_http_url",
                                       "visibility_level",
                                       "project_id",
                                       "project_visibility",
                                       "old_path_with_namespace",
                                       "user_id",
                                       "user_username",
                                       "username",
                                       "object_attributes",
                                       "oldrev",
                                       "iid",
                                       "url",
                                       "last_commit",
                                       "source_branch",
                                       "target_branch",
                                       "source",
                                       "push",
                                       "new",
                                       "old",
                                       "type",
                                       "target",
                                       "hash",
                                       "full_name",
                                       "uuid",
                                       "actor",
                                       "nickname",
                                       "pullrequest",
                                       "updated_on",
                                       "links",
                                       "html",
                                       "href",
                                       "commit",
                                       "branch",
                                       "destination",
                                       "mainbranch",
                                       "is_private",
                                       "date",
                                       "pullRequest",
                                       "toRef",
                                       "fromRef",
                                       "latestCommit",
                                       "slug",
                                       "key",
                                       "self",
                                       "clone",
                                       "public",
                                       "fromHash",
                                       "toHash",
                                       "eventType",
                                       "subscriptionId",
                                       "createdDate",
                                       "resource",
                                       "remoteUrl",
                                       "webUrl",
                                       "defaultBranch",
                                       "visibility",
                                       "isDisabled",
                                       "resourceContainers",
                                       "collection",
                                       "baseUrl",
                                       "refUpdates",
                                       "oldObjectId",
                                       "newObjectId",
                                       "pushedBy",
                                       "uniqueName",
                                       "status",
                                       "pullRequestId",
                                       "lastMergeSourceCommit",
                                       "commitId",
                                       "sourceRefName",
                                       "targetRefName",
                                       "forkSource",
                                       "oldName",
                                       "disabled",
                                       "repositoryId",
                                       "repositoryName",
                                       "initiatedBy",
                                       "utcTimestamp",
                                       "createdBy",
                                       "closedBy",
                                       "_links",
                                       "web"};

constexpr absl::string_view kTexts[] = {
    "",
    "refs/heads/main",
    "refs/tags/v1",
    "main",
    "branch",
    "tag",
    "0000000000000000000000000000000000000000",
    "1111111111111111111111111111111111111111",
    "0123456789ab",
    "https://github.com/Lamp/Lighter",
    "Lamp/Lighter",
    "Lamp",
    "lighter",
    "https://dev.azure.com/lamp/Street%20Lamps/_git/lighter",
    "https://ado.example/tfs/Coll/p/_git/r",
    "https://dc.example/ctx/projects/PRJ/repos/r/browse",
    "ssh://git@h:1/a/b",
    "https://a@b@c/%2F/..",
    "git@h:a/b.git",
    "2026-03-04T05:06:07Z",
    "2026-03-04 05:06:07 UTC",
    "9999-12-31T23:59:59+23:59",
    "0000-01-01T00:00:00Z",
    "created",
    "renamed",
    "transferred",
    "archived",
    "opened",
    "closed",
    "synchronize",
    "open",
    "merge",
    "update",
    "push",
    "tag_push",
    "merge_request",
    "repository_update",
    "project_rename",
    "project_create",
    "git.push",
    "git.pullrequest.created",
    "git.pullrequest.updated",
    "git.pullrequest.merged",
    "git.repo.renamed",
    "git.repo.deleted",
    "git.repo.statuschanged",
    "completed",
    "abandoned"};

class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  uint8_t Next() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  bool empty() const { return size_ == 0; }
  absl::string_view rest() const {
    return {reinterpret_cast<const char*>(data_), size_};
  }

  template <size_t kCount>
  absl::string_view OneOf(const absl::string_view (&words)[kCount]) {
    return words[Next() % kCount];
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

void AppendValue(Bytes& bytes, int depth, std::string& json);

void AppendMembers(Bytes& bytes, int depth, std::string& json) {
  const int count = bytes.Next() % 8;
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&json, i > 0 ? "," : "", "\"", bytes.OneOf(kKeys), "\":");
    AppendValue(bytes, depth, json);
  }
}

void AppendValue(Bytes& bytes, int depth, std::string& json) {
  constexpr int kMaxDepth = 8;
  switch (depth < kMaxDepth && !bytes.empty() ? bytes.Next() % 8 : 7) {
    case 0:
    case 1:
    case 2:
      json.push_back('{');
      AppendMembers(bytes, depth + 1, json);
      json.push_back('}');
      return;
    case 3:
      json.push_back('[');
      AppendValue(bytes, depth + 1, json);
      json.push_back(',');
      AppendValue(bytes, depth + 1, json);
      json.push_back(']');
      return;
    case 4:
      absl::StrAppend(&json, static_cast<int64_t>(bytes.Next()) *
                                 (int64_t{1} << (bytes.Next() % 56)));
      return;
    case 5:
      json += bytes.Next() % 2 == 0 ? "true" : "null";
      return;
    default:
      absl::StrAppend(&json, "\"", bytes.OneOf(kTexts), "\"");
  }
}

// What holds of every event, whatever the body.
void Check(const v1::GitEvent& event) {
  const v1::GitEvent::Type type = event.type();
  Expect(type != v1::GitEvent::TYPE_UNSPECIFIED);
  Expect(event.has_push() == (type == v1::GitEvent::PUSH));
  Expect(event.has_pull_request() == (type == v1::GitEvent::PULL_REQUEST));
  Expect(event.has_installation() ==
         (type == v1::GitEvent::INSTALLATION_CHANGED));
  for (const v1::RefUpdate& update : event.push().refs()) {
    Expect(!update.ref().empty());
    Expect(update.action() != v1::RefUpdate::ACTION_UNSPECIFIED);
  }
  if (!event.repository().id().empty()) {
    Expect(!event.instance().empty());
    Expect(!event.repository().full_name().empty());
  }
  v1::GitEvent read;
  const Record record = MakeGitRecord(event, "", 1 << 20);
  Expect(read.ParseFromString(record.value));
}

void Run(Bytes bytes) {
  static JsonParser* const parser = new JsonParser();
  const SourceType type = kSourceTypes[bytes.Next() % std::size(kSourceTypes)];
  const WebhookNormalizer* const normalizer = NormalizerOf(type);
  if (normalizer == nullptr) return;
  v1::GitEvent event;
  event.set_provider_type(std::string(ProviderTypeOf(type)));
  event.set_event(std::string(bytes.OneOf(kEvents)));
  if (bytes.Next() % 4 == 0) event.set_instance("forge.example/ctx");
  std::string json;
  if (bytes.Next() % 2 == 0) {
    json.push_back('{');
    while (!bytes.empty()) {
      if (json.size() > 1) json.push_back(',');
      absl::StrAppend(&json, "\"", bytes.OneOf(kKeys), "\":");
      AppendValue(bytes, 0, json);
    }
    json.push_back('}');
  } else {
    json = std::string(bytes.rest());
  }
  const auto document = parser->Parse(json);
  simdjson::dom::object body;
  if (!document.ok() || document->get(body) != simdjson::SUCCESS) return;
  normalizer->Normalize(body, event);
  Check(event);
}

}  // namespace
}  // namespace lamplighter::ingest

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lamplighter::ingest::Run({data, size});
  return 0;
}
