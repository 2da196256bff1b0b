#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "simdjson.h"

namespace lamplighter::ingest {

// What is particular to the deliveries of one forge. Has no state.
class WebhookNormalizer {
 public:
  using Names = absl::Span<const absl::string_view>;

  // How the forge puts a delivery into a request. Lists of headers are in the
  // order in which they are looked for: the first that is there counts.
  struct Dialect {
    // The header that names the event and must be there; none where the body
    // names it.
    absl::string_view event_header;
    // Headers by which a delivery could be taken for another forge's, and which
    // this one sends as well.
    Names also_sends;
    // What names of events begin with that only another forge sends, under the
    // same header.
    Names foreign_events;
    Names delivery_headers;
    // Names an event that several deliveries may be about.
    absl::string_view event_id_header;
    // With Source::ProofBy::kSignature.
    Names signature_headers;
    // Stands before the hex in the signature.
    absl::string_view signature_prefix;
    // In a form post, what is signed: the JSON or the form.
    bool form_signs_json = false;
    // An event that comes without proof, when somebody tries the connection. It
    // is answered well and forgotten.
    absl::string_view unproven_test;
    // What `instance` is where neither configuration nor body tell; may be
    // empty.
    absl::string_view default_instance;
  };

  virtual ~WebhookNormalizer() = default;

  virtual const Dialect& dialect() const = 0;

  // Sets type, action, repository, sender, detail and times from `body`, and
  // what the headers do not say of event and delivery_id.
  //
  // Reads provider_type; event, which says what kind of body it is; and
  // instance, which is set where the configuration tells it and else is for the
  // normalizer to set. Whatever it cannot make sense of is left empty, and the
  // type is then OTHER: what its forge has signed is never refused.
  virtual void Normalize(const simdjson::dom::object& body,
                         v1::GitEvent& event) const = 0;
};

}  // namespace lamplighter::ingest
