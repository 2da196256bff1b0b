#include "services/ingest/forges/gitea.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "services/ingest/forges/payload.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

constexpr WebhookNormalizer::Dialect kDialect = {
    .event_header = "X-Gitea-Event",
    .delivery_header = "X-Gitea-Delivery",
    .signature_header = "X-Gitea-Signature",
    .signature_prefix = "",
    .form_signs_json = true,
    .foreign_headers = {},
    .default_instance = "",
};

void ReadDelete(const simdjson::dom::object& body, v1::GitEvent& event) {
  event.set_type(v1::GitEvent::OTHER);
  const absl::string_view ref = JsonText(body, "ref");
  if (JsonText(body, "ref_type") != "branch" || ref.empty()) return;
  event.set_type(v1::GitEvent::PUSH);
  v1::RefUpdate& update = *event.mutable_push()->add_refs();
  update.set_ref(absl::StrCat("refs/heads/", ref));
  update.set_action(v1::RefUpdate::DELETED);
}

}  // namespace

const WebhookNormalizer::Dialect& GiteaNormalizer::dialect() const {
  return kDialect;
}

void GiteaNormalizer::Normalize(const simdjson::dom::object& body,
                                v1::GitEvent& event) const {
  ReadCommon(body, event);
  const std::string& name = event.event();
  if (name == "push") {
    ReadPush(body, event);
  } else if (name == "delete") {
    ReadDelete(body, event);
  } else if (name == "pull_request") {
    ReadPullRequest(body, event);
  } else if (name == "repository") {
    event.set_type(RepositoryType(event.action()));
  } else {
    event.set_type(v1::GitEvent::OTHER);
  }
}

}  // namespace lamplighter::ingest
