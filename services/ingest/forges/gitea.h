#pragma once

#include "services/ingest/forges/webhook_normalizer.h"

namespace lamplighter::ingest {

// Deliveries of Gitea and Forgejo. `create`, and `delete` of a tag, are OTHER,
// because a push says the same; `delete` of a branch comes alone and is a PUSH.
class GiteaNormalizer final : public WebhookNormalizer {
 public:
  const Dialect& dialect() const override;
  void Normalize(const simdjson::dom::object& body,
                 v1::GitEvent& event) const override;
};

}  // namespace lamplighter::ingest
