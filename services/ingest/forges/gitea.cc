#include "services/ingest/forges/gitea.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "services/ingest/forges/event_parts.h"
#include "services/ingest/forges/payload.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

constexpr absl::string_view kAlsoSends[] = {"X-GitHub-Event", "X-Gitea-Event",
                                            "X-Forgejo-Event"};
constexpr absl::string_view kDeliveryHeaders[] = {"X-Gitea-Delivery"};
constexpr absl::string_view kSignatureHeaders[] = {"X-Gitea-Signature"};

constexpr WebhookNormalizer::Dialect kDialect = {
    .event_header = "X-Gitea-Event",
    .also_sends = kAlsoSends,
    .foreign_events = {},
    .delivery_headers = kDeliveryHeaders,
    .event_id_header = "",
    .signature_headers = kSignatureHeaders,
    .signature_prefix = "",
    .form_signs_json = true,
    .unproven_test = "",
    .default_instance = "",
};

constexpr absl::string_view kForgejoDeliveryHeaders[] = {"X-Forgejo-Delivery",
                                                         "X-Gitea-Delivery"};
constexpr absl::string_view kForgejoSignatureHeaders[] = {"X-Forgejo-Signature",
                                                          "X-Gitea-Signature"};

constexpr WebhookNormalizer::Dialect kForgejoDialect = {
    .event_header = "X-Forgejo-Event",
    .also_sends = kAlsoSends,
    .foreign_events = {},
    .delivery_headers = kForgejoDeliveryHeaders,
    .event_id_header = "",
    .signature_headers = kForgejoSignatureHeaders,
    .signature_prefix = "",
    .form_signs_json = true,
    .unproven_test = "",
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

const WebhookNormalizer::Dialect& ForgejoNormalizer::dialect() const {
  return kForgejoDialect;
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
    ReadRepositoryEvent(body, event);
  } else {
    event.set_type(v1::GitEvent::OTHER);
  }
}

}  // namespace lamplighter::ingest
