#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/http/http_message.h"
#include "services/ingest/forges/webhook_normalizer.h"
#include "services/ingest/intake.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {

// The first of `names` that is there, also if it is empty.
absl::optional<absl::string_view> FindFirst(const HttpHeaders& headers,
                                            WebhookNormalizer::Names names);

// What a delivery proved. `body` is as received, `json` what it holds, which is
// not the same in a form. `where` names what the source is to prove itself
// with.
struct WebhookProof {
  Proof proof = Proof::kWrong;
  absl::string_view where;
};
WebhookProof CheckWebhook(const Source& source,
                          const WebhookNormalizer::Dialect& dialect,
                          const HttpHeaders& headers, absl::string_view body,
                          absl::string_view json, absl::Time now);

}  // namespace lamplighter::ingest
