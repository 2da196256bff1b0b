#pragma once

#include "services/ingest/forges/webhook_normalizer.h"

namespace lamplighter::ingest {

// Deliveries of service hooks of Azure DevOps Services and Server. The body
// alone says what they are, and that of `git.pullrequest.updated` does not tell
// new commits from a vote: while it is open, it is taken for SYNCHRONIZED.
class AzureDevOpsNormalizer final : public WebhookNormalizer {
 public:
  const Dialect& dialect() const override;
  void Normalize(const simdjson::dom::object& body,
                 v1::GitEvent& event) const override;
};

}  // namespace lamplighter::ingest
