#pragma once

#include "services/ingest/forges/webhook_normalizer.h"

namespace lamplighter::ingest {

// Deliveries of Bitbucket Data Center and Server. Older ones do not say where
// they come from: their repository has an id only where the source's address is
// configured.
class BitbucketServerNormalizer final : public WebhookNormalizer {
 public:
  const Dialect& dialect() const override;
  void Normalize(const simdjson::dom::object& body,
                 v1::GitEvent& event) const override;
};

}  // namespace lamplighter::ingest
