#pragma once

#include "services/ingest/forges/webhook_normalizer.h"

namespace lamplighter::ingest {

// Deliveries of gitlab.com and of other GitLabs: project, group and system
// hooks. The last name no host when they are about projects: their repository
// has an id only where the source's address is configured.
class GitLabNormalizer final : public WebhookNormalizer {
 public:
  const Dialect& dialect() const override;
  void Normalize(const simdjson::dom::object& body,
                 v1::GitEvent& event) const override;
};

}  // namespace lamplighter::ingest
