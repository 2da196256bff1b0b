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
#include "common/status/macros.h"
#include "services/dispatcher/router/commit_status_bindings.h"
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

// An event on its way to becoming a status.
struct Draft {
  const v1::FluxEvent& event;
  const Alert& alert;
  const Provider& provider;
  const ProviderRules& rules;
  const SourceUrl& source_url;
  CelValue alert_object;                        // null without an expression
  std::map<std::string, std::string> metadata;  // merged
};

std::string FirstLine(absl::string_view text) {
  return std::string(text.substr(0, text.find_first_of("\r\n")));
}

TemplateFields FieldsOf(const Draft& draft, const std::string& commit) {
  const v1::ObjectReference& object = draft.event.involved_object();
  const std::string& uid = draft.provider.uid;
  return {.cluster = draft.event.cluster(),
          .kind = object.kind(),
          .namespace_ = object.namespace_(),
          .name = object.name(),
          .reason = draft.event.reason(),
          .severity = draft.event.severity(),
          .message = FirstLine(draft.event.message()),
          .commit = commit,
          .provider_uid = uid.substr(0, uid.find('-')),
          .metadata = draft.metadata};
}

// FailedPrecondition where the expression fails on this event.
absl::StatusOr<std::string> ContextOf(const Draft& draft,
                                      const TemplateFields& fields) {
  const ProviderRules& rules = draft.rules;
  if (rules.context) return rules.context->Expand(fields);
  if (rules.commit_status_expr == nullptr) {
    return DefaultContext(draft.event.involved_object(), draft.provider);
  }
  const absl::StatusOr<CelValue> value =
      rules.commit_status_expr->Evaluate(CommitStatusBindings(
          draft.event, draft.metadata, rules.object, draft.alert_object));
  if (value.ok() && !value->string_value().empty()) {
    return value->string_value();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "Provider ", draft.provider.namespace_, "/", draft.provider.name,
      ": spec.commitStatusExpr: ",
      value.ok() ? "the status must not be empty" : value.status().message()));
}

// FailedPrecondition if the Provider cannot be used, NotFound if the event
// names no commit, InvalidArgument if it is no event of Flux, Unavailable if
// the source's URL has to be known first.
absl::StatusOr<v1::StatusIntent> MakeIntent(const Draft& draft,
                                            DescriptionStyle style) {
  const v1::FluxEvent& event = draft.event;
  const Provider& provider = draft.provider;
  LAMPLIGHTER_RETURN_IF_ERROR(draft.rules.problem);
  LAMPLIGHTER_ASSIGN_OR_RETURN(const v1::CommitState state, StateOf(event));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string sha, CommitOf(draft.metadata));
  const auto metadata = [&](const char* key) {
    const auto it = draft.metadata.find(key);
    return it == draft.metadata.end() ? std::string() : it->second;
  };
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::string repository,
      RepositoryOf(draft.rules, provider, metadata("repository"),
                   draft.source_url));
  const TemplateFields fields = FieldsOf(draft, sha);
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string context,
                               ContextOf(draft, fields));

  v1::StatusIntent intent;
  intent.set_id(absl::StrCat(event.id(), "/", provider.namespace_, "/",
                             provider.name, "/", draft.alert.name));
  intent.set_event_id(event.id());
  intent.mutable_provider()->set_namespace_(provider.namespace_);
  intent.mutable_provider()->set_name(provider.name);
  intent.set_repository_id(repository);
  intent.set_sha(sha);
  intent.set_context(context);
  intent.set_state(state);
  const ProviderRules& rules = draft.rules;
  intent.set_description(rules.description ? rules.description->Expand(fields)
                                           : Description(event, style));
  if (rules.target_url) {
    intent.set_target_url(rules.target_url->ExpandUrl(fields));
  }
  *intent.mutable_event_time() =
      event.has_timestamp() ? event.timestamp() : event.received_at();
  intent.set_cluster(event.cluster());
  *intent.mutable_involved_object() = event.involved_object();
  intent.set_summary(metadata("summary"));
  return intent;
}

// What `intent` adds to the status over all clusters, which does not depend on
// the one object that it is of, but for its part.
v1::StatusIntent MakeRollUp(v1::StatusIntent intent, const RollUpRule& rule) {
  intent.set_id(absl::StrCat(intent.id(), "/roll-up"));
  intent.set_context(rule.context);
  intent.mutable_roll_up()->set_clusters(rule.clusters);
  intent.clear_description();
  intent.clear_target_url();
  intent.clear_summary();
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
               other.provider().namespace_() ==
                   intent.provider().namespace_() &&
               other.repository_id() == intent.repository_id() &&
               other.sha() == intent.sha() &&
               other.context() == intent.context() &&
               other.description() == intent.description() &&
               other.target_url() == intent.target_url() &&
               other.summary() == intent.summary();
      });
}

void Add(v1::StatusIntent intent, Routes& routes) {
  if (!Contains(routes.intents, intent)) {
    routes.intents.push_back(std::move(intent));
  }
}

}  // namespace

KnownObject KnownObject::Nothing(const std::string& why) {
  return {.labels = absl::NotFoundError(why),
          .source_url = absl::NotFoundError(why)};
}

Routes Router::Route(const v1::FluxEvent& event) {
  static const auto* const nothing =
      new KnownObject(KnownObject::Nothing("objects are not looked up"));
  return Route(event, *nothing);
}

Routes Router::Route(const v1::FluxEvent& event, const KnownObject& object) {
  const std::shared_ptr<const Manifests> manifests = manifests_.Current();
  if (indexed_ != manifests) {
    index_ = std::make_unique<AlertIndex>(manifests);
    indexed_ = manifests;
    rules_.clear();
    alert_objects_.clear();
  }
  const Arrival arrival{event, object, IsStatusEvent(event)};
  Routes routes;
  if (!arrival.is_status && event.reason() != kProgressing) return routes;
  const bool has_labels = object.labels && object.labels->ok();
  const std::vector<const Alert*> alerts =
      index_->Match(event, has_labels ? (*object.labels)->get() : nullptr);
  if (!has_labels) RouteByLabels(alerts, arrival, routes);
  if (routes.lack != Routes::Lack::kNothing) return routes;
  for (const Alert* alert : alerts) RouteTo(*alert, arrival, routes);
  return routes;
}

const ProviderRules& Router::RulesOf(const Provider& provider) {
  std::unique_ptr<const ProviderRules>& rules = rules_[&provider];
  if (rules == nullptr) {
    rules = std::make_unique<const ProviderRules>(ReadProviderRules(provider));
  }
  return *rules;
}

const CelValue& Router::ObjectOf(const Alert& alert) {
  const auto [it, is_new] = alert_objects_.try_emplace(&alert);
  if (is_new) it->second = ObjectValue(alert.json);
  return it->second;
}

bool Router::Takes(const Provider* provider, const Arrival& arrival) {
  if (provider == nullptr) return arrival.is_status;
  // notification-controller sets pending on Gitea alone, and only for what says
  // that it is for statuses, which progress never does.
  return RulesOf(*provider).sets_pending ||
         (arrival.is_status && (arrival.event.reason() != kProgressing ||
                                provider->type == "gitea"));
}

void Router::RouteByLabels(const std::vector<const Alert*>& matched,
                           const Arrival& arrival, Routes& routes) {
  const auto& labels = arrival.object.labels;
  if (labels && absl::IsNotFound(labels->status())) return;  // no object
  const Alert* alert = index_->FindUndecided(
      arrival.event, matched, [&](const Alert& undecided) {
        return Takes(indexed_->FindProvider(undecided.namespace_,
                                            undecided.provider_ref),
                     arrival);
      });
  if (alert == nullptr) return;
  if (!labels) {
    routes.lack = Routes::Lack::kLabels;
    return;
  }
  // One for the event, however many Alerts there are.
  routes.dead_letters.push_back(MakeDeadLetter(
      arrival.event,
      absl::FailedPreconditionError(absl::StrCat(
          "Alert ", alert->namespace_, "/", alert->name,
          ": spec.eventSources: matchLabels: whether it matches, and others "
          "like it, cannot be told: ",
          labels->status().message()))));
}

void Router::RouteTo(const Alert& alert, const Arrival& arrival,
                     Routes& routes) {
  const v1::FluxEvent& event = arrival.event;
  const Provider* provider =
      indexed_->FindProvider(alert.namespace_, alert.provider_ref);
  if (!Takes(provider, arrival)) return;
  const auto refuse = [&](const absl::Status& why) {
    routes.dead_letters.push_back(MakeDeadLetter(event, why));
  };
  if (provider == nullptr) {
    return refuse(absl::FailedPreconditionError(absl::StrCat(
        "Alert ", alert.namespace_, "/", alert.name,
        ": spec.providerRef: there is no Provider ", alert.provider_ref)));
  }
  if (options_.no_cross_namespace_refs &&
      event.involved_object().namespace_() != alert.namespace_) {
    return refuse(absl::FailedPreconditionError(absl::StrCat(
        "Alert ", alert.namespace_, "/", alert.name,
        ": takes events of its own namespace only, and this is of ",
        event.involved_object().namespace_())));
  }
  const ProviderRules& rules = RulesOf(*provider);
  absl::StatusOr<v1::StatusIntent> intent = MakeIntent(
      {event, alert, *provider, rules, arrival.object.source_url,
       rules.commit_status_expr == nullptr ? CelValue() : ObjectOf(alert),
       MergedMetadata(event, alert)},
      options_.description);
  if (absl::IsUnavailable(intent.status())) {
    routes.lack = Routes::Lack::kSourceUrl;
    return;
  }
  if (!intent.ok()) return refuse(intent.status());
  // Progress counts where the Provider asks for it, not because Gitea is told.
  if (rules.roll_up && (intent->state() != v1::PENDING || rules.sets_pending)) {
    Add(MakeRollUp(*intent, *rules.roll_up), routes);
  }
  Add(*std::move(intent), routes);
}

}  // namespace lamplighter::dispatcher
