#pragma once

#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/manifests/manifest_source.h"
#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/router/alert_index.h"
#include "services/dispatcher/router/provider_rules.h"
#include "services/dispatcher/router/status_text.h"

namespace lamplighter::dispatcher {

// What an event means.
struct Routes {
  // Which statuses to set, in the order to set them.
  std::vector<v1::StatusIntent> intents;
  // What should have become a status and cannot. Reason, detail, attempts and
  // the event are filled in; where it came from is not.
  std::vector<v1::DeadLetter> dead_letters;
  // Alerts that matched.
  int matched = 0;
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

  // Uses the objects in force at the time of the call.
  Routes Route(const v1::FluxEvent& event);

 private:
  // Adds what `alert`, which matches, makes of `event`.
  void RouteTo(const Alert& alert, const v1::FluxEvent& event, Routes& routes);

  // Read when first needed.
  const ProviderRules& RulesOf(const Provider& provider);

  const RouterOptions options_;
  const ManifestSource& manifests_;
  std::shared_ptr<const Manifests> indexed_;
  std::unique_ptr<AlertIndex> index_;  // of indexed_, as the next
  absl::flat_hash_map<const Provider*, std::unique_ptr<const ProviderRules>>
      rules_;
};

}  // namespace lamplighter::dispatcher
