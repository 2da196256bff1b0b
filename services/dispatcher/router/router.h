#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "common/manifests/manifest_source.h"
#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/cel/cel_value.h"
#include "services/dispatcher/router/alert_index.h"
#include "services/dispatcher/router/provider_rules.h"
#include "services/dispatcher/router/status_text.h"

namespace lamplighter::dispatcher {

// What is known of an event's object beyond the event.
struct KnownObject {
  // Unset: they have not been looked up. NotFound: there is no such object.
  // Another error: they cannot be told, and says what to do about that. Never
  // null.
  absl::optional<absl::StatusOr<std::shared_ptr<const AlertIndex::Labels>>>
      labels;
  SourceUrl source_url;

  // Where no object can be looked up, because of `why`.
  static KnownObject Nothing(const std::string& why);
};

// What an event means.
struct Routes {
  // Which statuses to set, in the order to set them.
  std::vector<v1::StatusIntent> intents;
  // What should have become a status and cannot. Reason, detail, attempts and
  // the event are filled in; where it came from is not.
  std::vector<v1::DeadLetter> dead_letters;
  // Set where it depends on what is not known of the event's object: that is to
  // be looked up, and all else here means nothing.
  enum class Lack { kNothing, kLabels, kSourceUrl };
  Lack lack = Lack::kNothing;
};

// How a router works.
struct RouterOptions {
  DescriptionStyle description = DescriptionStyle::kMessage;
  // Alerts see events of their own namespace only.
  bool no_cross_namespace_refs = false;
};

// Works out which commit statuses a Flux event means, as
// notification-controller does: which Alerts match, whether it is for commit
// statuses at all, and state, commit, context and description of each. On the
// loop only.
class Router {
 public:
  // `manifests` must outlive the router.
  Router(const RouterOptions& options, const ManifestSource& manifests)
      : options_(options), manifests_(manifests) {}

  // Uses the Alerts and Providers in force at the time of the call.
  Routes Route(const v1::FluxEvent& event, const KnownObject& object);

  // The same where no object can be looked up.
  Routes Route(const v1::FluxEvent& event);

 private:
  // An event, and what is asked of it more than once.
  struct Arrival {
    const v1::FluxEvent& event;
    const KnownObject& object;
    bool is_status;  // IsStatusEvent()
  };

  // Whether `provider`, which may be null, makes a status of it, or should.
  bool Takes(const Provider* provider, const Arrival& arrival);
  // Says so where an Alert may match by labels that are not known.
  void RouteByLabels(const std::vector<const Alert*>& matched,
                     const Arrival& arrival, Routes& routes);
  // Adds what `alert`, which matches, makes of it.
  void RouteTo(const Alert& alert, const Arrival& arrival, Routes& routes);

  // Read when first needed.
  const ProviderRules& RulesOf(const Provider& provider);
  const CelValue& ObjectOf(const Alert& alert);

  const RouterOptions options_;
  const ManifestSource& manifests_;
  std::shared_ptr<const Manifests> indexed_;
  std::unique_ptr<AlertIndex> index_;  // of indexed_, as the next
  absl::flat_hash_map<const Provider*, std::unique_ptr<const ProviderRules>>
      rules_;
  absl::flat_hash_map<const Alert*, CelValue> alert_objects_;
};

}  // namespace lamplighter::dispatcher
