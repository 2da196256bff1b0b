#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "simdjson.h"

namespace lamplighter::ingest {

// What is particular to the deliveries of one forge. Has no state.
class WebhookNormalizer {
 public:
  // How the forge puts a delivery into a request.
  struct Dialect {
    absl::string_view event_header;
    absl::string_view delivery_header;
    absl::string_view signature_header;
    // Stands before the hex in the signature.
    absl::string_view signature_prefix;
    // In a form post, what is signed: the JSON or the form.
    bool form_signs_json = false;
    // Headers that only other forges send.
    absl::Span<const absl::string_view> foreign_headers;
    // What `instance` is where the body does not tell; may be empty.
    absl::string_view default_instance;
  };

  virtual ~WebhookNormalizer() = default;

  virtual const Dialect& dialect() const = 0;

  // Sets type, action, instance, repository, sender and detail from `body`.
  // `event.event` says which kind of body it is. Whatever it cannot make sense
  // of is left empty, and the type is then OTHER: what its forge has signed is
  // never refused.
  virtual void Normalize(const simdjson::dom::object& body,
                         v1::GitEvent& event) const = 0;
};

}  // namespace lamplighter::ingest
