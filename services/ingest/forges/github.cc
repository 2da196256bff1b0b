#include "services/ingest/forges/github.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "services/ingest/forges/event_parts.h"
#include "services/ingest/forges/payload.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

namespace dom = simdjson::dom;

constexpr absl::string_view kDeliveryHeaders[] = {"X-GitHub-Delivery"};
constexpr absl::string_view kSignatureHeaders[] = {"X-Hub-Signature-256"};

constexpr WebhookNormalizer::Dialect kDialect = {
    .event_header = "X-GitHub-Event",
    .also_sends = {},
    .foreign_events = {},
    .delivery_headers = kDeliveryHeaders,
    .event_id_header = "",
    .signature_headers = kSignatureHeaders,
    .signature_prefix = "sha256=",
    .form_signs_json = false,
    .unproven_test = "",
    .default_instance = "github.com",
};

// Installations list repositories by id and name alone.
void AddRepositories(const dom::object& body, absl::string_view key,
                     const v1::GitEvent& event,
                     google::protobuf::RepeatedPtrField<v1::Repository>& list) {
  for (const dom::element element : JsonArray(body, key)) {
    dom::object object;
    if (element.get(object) != simdjson::SUCCESS) continue;
    v1::Repository& repository = *list.Add();
    repository.set_forge_id(JsonId(object, "id"));
    repository.set_full_name(std::string(JsonText(object, "full_name")));
    repository.set_private_(JsonFlag(object, "private"));
    repository.set_id(IdAt(
        absl::StrCat("https://", event.instance(), "/", repository.full_name()),
        event));
  }
}

void ReadInstallation(const dom::object& body, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::INSTALLATION_CHANGED);
  const absl::string_view account =
      JsonText(body, "installation/account/login");
  if (event.instance().empty()) {
    event.set_instance(
        InstanceOf(JsonText(body, "installation/account/html_url"), account));
  }
  v1::Installation& installation = *event.mutable_installation();
  installation.set_forge_id(JsonId(body, "installation/id"));
  installation.set_account(std::string(account));
  AddRepositories(body, "repositories", event,
                  event.action() == "deleted" ? *installation.mutable_removed()
                                              : *installation.mutable_added());
  AddRepositories(body, "repositories_added", event,
                  *installation.mutable_added());
  AddRepositories(body, "repositories_removed", event,
                  *installation.mutable_removed());
}

}  // namespace

const WebhookNormalizer::Dialect& GitHubNormalizer::dialect() const {
  return kDialect;
}

void GitHubNormalizer::Normalize(const dom::object& body,
                                 v1::GitEvent& event) const {
  ReadCommon(body, event);
  const std::string& name = event.event();
  if (name == "push") {
    ReadPush(body, event);
    SetOccurred(body, "repository/pushed_at", event);
  } else if (name == "pull_request") {
    ReadPullRequest(body, event);
  } else if (name == "repository") {
    ReadRepositoryEvent(body, event);
  } else if (name == "public") {  // a private repository was made public
    event.set_type(v1::GitEvent::REPOSITORY_UPDATED);
  } else if (name == "installation" || name == "installation_repositories") {
    ReadInstallation(body, event);
  } else if (name == "ping") {
    event.set_type(v1::GitEvent::PING);
  } else {
    event.set_type(v1::GitEvent::OTHER);
  }
}

}  // namespace lamplighter::ingest
