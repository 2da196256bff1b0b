#pragma once

#include "services/ingest/forges/webhook_normalizer.h"

namespace lamplighter::ingest {

// Deliveries of Bitbucket Cloud. Its pull requests have 12 digits of a commit's
// id, and `pullrequest:updated` does not tell new commits from a new title.
class BitbucketNormalizer final : public WebhookNormalizer {
 public:
  const Dialect& dialect() const override;
  void Normalize(const simdjson::dom::object& body,
                 v1::GitEvent& event) const override;
};

}  // namespace lamplighter::ingest
