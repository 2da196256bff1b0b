#include "services/ingest/forges/github.h"

#include "services/ingest/forges/payload.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

// Gitea and Forgejo send GitHub's headers as well.
constexpr absl::string_view kForeignHeaders[] = {"X-Gitea-Event",
                                                 "X-Forgejo-Event"};

constexpr WebhookNormalizer::Dialect kDialect = {
    .event_header = "X-GitHub-Event",
    .delivery_header = "X-GitHub-Delivery",
    .signature_header = "X-Hub-Signature-256",
    .signature_prefix = "sha256=",
    .form_signs_json = false,
    .foreign_headers = kForeignHeaders,
    .default_instance = "github.com",
};

}  // namespace

const WebhookNormalizer::Dialect& GitHubNormalizer::dialect() const {
  return kDialect;
}

void GitHubNormalizer::Normalize(const simdjson::dom::object& body,
                                 v1::GitEvent& event) const {
  ReadCommon(body, event);
  const std::string& name = event.event();
  if (name == "push") {
    ReadPush(body, event);
  } else if (name == "pull_request") {
    ReadPullRequest(body, event);
  } else if (name == "repository") {
    event.set_type(RepositoryType(event.action()));
  } else if (name == "public") {  // a private repository was made public
    event.set_type(v1::GitEvent::REPOSITORY_RENAMED);
  } else if (name == "installation" || name == "installation_repositories") {
    event.set_type(v1::GitEvent::INSTALLATION_CHANGED);
  } else if (name == "ping") {
    event.set_type(v1::GitEvent::PING);
  } else {
    event.set_type(v1::GitEvent::OTHER);
  }
}

}  // namespace lamplighter::ingest
