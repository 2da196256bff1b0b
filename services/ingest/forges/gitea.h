#pragma once

#include "services/ingest/forges/webhook_normalizer.h"

namespace lamplighter::ingest {

// Deliveries of Gitea, and of Forgejo, which sends Gitea's headers beside its
// own. `create`, and `delete` of a tag, are OTHER, because a push says the
// same; `delete` of a branch comes alone and is a PUSH.
class GiteaNormalizer : public WebhookNormalizer {
 public:
  const Dialect& dialect() const override;
  void Normalize(const simdjson::dom::object& body,
                 v1::GitEvent& event) const final;
};

// The same under Forgejo's own headers, which must be there.
class ForgejoNormalizer final : public GiteaNormalizer {
 public:
  const Dialect& dialect() const override;
};

}  // namespace lamplighter::ingest
