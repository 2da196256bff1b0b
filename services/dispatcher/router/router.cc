#include "services/dispatcher/router/router.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/forge/git_address.h"
#include "common/status/macros.h"
#include "services/dispatcher/router/metadata.h"
#include "services/dispatcher/router/revision.h"

namespace lamplighter::dispatcher {
namespace {

// A reason that tells of no outcome yet.
constexpr absl::string_view kProgressing = "Progressing";

absl::StatusOr<v1::CommitState> StateOf(const v1::FluxEvent& event) {
  if (event.reason() == kProgressing) return v1::PENDING;
  if (event.severity() == "info") return v1::SUCCESS;
  if (event.severity() == "error") return v1::FAILURE;
  return absl::InvalidArgumentError(absl::StrCat(
      "severity '", event.severity(), "' is neither info nor error"));
}

// FailedPrecondition if the Provider cannot be used, NotFound if the event
// names no commit, InvalidArgument if it is no event of Flux.
absl::StatusOr<v1::StatusIntent> MakeIntent(const v1::FluxEvent& event,
                                            const Alert& alert,
                                            const Provider& provider,
                                            DescriptionStyle style) {
  const std::string name =
      absl::StrCat(provider.namespace_, "/", provider.name);
  if (!provider.commit_status_expr.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "Provider ", name,
        ": spec.commitStatusExpr: not supported yet: take it out"));
  }
  const absl::StatusOr<std::string> repository =
      RepositoryId(provider.type, provider.address);
  if (!repository.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "Provider ", name, ": spec.address: ", repository.status().message()));
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(const v1::CommitState state, StateOf(event));
  std::map<std::string, std::string> metadata = MergedMetadata(event, alert);
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string sha, CommitOf(metadata));

  v1::StatusIntent intent;
  intent.set_id(absl::StrCat(event.id(), "/", name, "/", alert.name));
  intent.set_event_id(event.id());
  intent.mutable_provider()->set_namespace_(provider.namespace_);
  intent.mutable_provider()->set_name(provider.name);
  intent.set_repository_id(*repository);
  intent.set_sha(sha);
  intent.set_context(DefaultContext(event.involved_object(), provider));
  intent.set_state(state);
  intent.set_description(Description(event, style));
  *intent.mutable_event_time() =
      event.has_timestamp() ? event.timestamp() : event.received_at();
  intent.set_cluster(event.cluster());
  *intent.mutable_involved_object() = event.involved_object();
  intent.set_summary(metadata["summary"]);
  return intent;
}

v1::DeadLetter MakeDeadLetter(const v1::FluxEvent& event,
                              const absl::Status& why) {
  v1::DeadLetter letter;
  letter.set_reason(absl::IsFailedPrecondition(why)
                        ? v1::DeadLetter::BAD_CONFIGURATION
                    : absl::IsNotFound(why) ? v1::DeadLetter::NO_REVISION
                                            : v1::DeadLetter::INVALID_EVENT);
  letter.set_detail(std::string(why.message()));
  *letter.mutable_flux_event() = event;
  return letter;
}

// Two Alerts for one Provider mean one status, unless they differ in what it
// says: only what comes of an Alert's own metadata can.
bool Contains(const std::vector<v1::StatusIntent>& intents,
              const v1::StatusIntent& intent) {
  return std::any_of(
      intents.begin(), intents.end(), [&intent](const v1::StatusIntent& other) {
        return other.provider().name() == intent.provider().name() &&
               other.sha() == intent.sha() &&
               other.summary() == intent.summary();
      });
}

}  // namespace

Routes Router::Route(const v1::FluxEvent& event) {
  const std::shared_ptr<const Manifests> manifests = manifests_.Current();
  if (indexed_ != manifests) {
    index_ = std::make_unique<AlertIndex>(manifests);
    indexed_ = manifests;
  }
  Routes routes;
  if (!IsStatusEvent(event)) return routes;
  const std::vector<const Alert*> alerts = index_->Match(event);
  routes.matched = static_cast<int>(alerts.size());
  for (const Alert* alert : alerts) RouteTo(*alert, event, routes);
  return routes;
}

void Router::RouteTo(const Alert& alert, const v1::FluxEvent& event,
                     Routes& routes) const {
  if (indexed_->other_providers.contains(
          {alert.namespace_, alert.provider_ref})) {
    return;  // a chat, say
  }
  const Provider* provider =
      indexed_->FindProvider(alert.namespace_, alert.provider_ref);
  if (provider != nullptr) {
    // notification-controller sets pending on Gitea alone.
    const bool skipped =
        event.reason() == kProgressing && provider->type != "gitea";
    if (skipped || provider->suspend) return;
  }
  absl::StatusOr<v1::StatusIntent> intent =
      provider != nullptr ? MakeIntent(event, alert, *provider, style_)
                          : absl::FailedPreconditionError(absl::StrCat(
                                "Alert ", alert.namespace_, "/", alert.name,
                                ": spec.providerRef: there is no Provider ",
                                alert.provider_ref));
  if (!intent.ok()) {
    routes.dead_letters.push_back(MakeDeadLetter(event, intent.status()));
  } else if (!Contains(routes.intents, *intent)) {
    routes.intents.push_back(*std::move(intent));
  }
}

}  // namespace lamplighter::dispatcher
