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
          draft.event, draft.metadata, draft.provider, draft.alert));
  if (value.ok() && !value->string_value().empty()) {
    return value->string_value();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "Provider ", draft.provider.namespace_, "/", draft.provider.name,
      ": spec.commitStatusExpr: ",
      value.ok() ? "the status must not be empty" : value.status().message()));
}

// FailedPrecondition if the Provider cannot be used, NotFound if the event
// names no commit, InvalidArgument if it is no event of Flux.
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
      RepositoryOf(draft.rules, provider, metadata("repository")));
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
               other.context() == intent.context() &&
               other.description() == intent.description() &&
               other.target_url() == intent.target_url() &&
               other.summary() == intent.summary();
      });
}

}  // namespace

Routes Router::Route(const v1::FluxEvent& event) {
  const std::shared_ptr<const Manifests> manifests = manifests_.Current();
  if (indexed_ != manifests) {
    index_ = std::make_unique<AlertIndex>(manifests);
    indexed_ = manifests;
    rules_.clear();
  }
  Routes routes;
  if (!IsStatusEvent(event) && event.reason() != kProgressing) return routes;
  const std::vector<const Alert*> alerts = index_->Match(event);
  routes.matched = static_cast<int>(alerts.size());
  for (const Alert* alert : alerts) RouteTo(*alert, event, routes);
  return routes;
}

const ProviderRules& Router::RulesOf(const Provider& provider) {
  std::unique_ptr<const ProviderRules>& rules = rules_[&provider];
  if (rules == nullptr) {
    rules = std::make_unique<const ProviderRules>(ReadProviderRules(provider));
  }
  return *rules;
}

void Router::RouteTo(const Alert& alert, const v1::FluxEvent& event,
                     Routes& routes) {
  if (indexed_->other_providers.contains(
          {alert.namespace_, alert.provider_ref})) {
    return;  // a chat, say
  }
  const auto refuse = [&](const absl::Status& why) {
    routes.dead_letters.push_back(MakeDeadLetter(event, why));
  };
  const Provider* provider =
      indexed_->FindProvider(alert.namespace_, alert.provider_ref);
  if (provider == nullptr) {
    if (!IsStatusEvent(event)) return;
    return refuse(absl::FailedPreconditionError(absl::StrCat(
        "Alert ", alert.namespace_, "/", alert.name,
        ": spec.providerRef: there is no Provider ", alert.provider_ref)));
  }
  if (provider->suspend) return;
  const ProviderRules& rules = RulesOf(*provider);
  // notification-controller sets pending on Gitea alone, and only for what says
  // that it is for statuses, which progress never does.
  const bool skipped =
      !rules.sets_pending &&
      (!IsStatusEvent(event) ||
       (event.reason() == kProgressing && provider->type != "gitea"));
  if (skipped) return;
  if (options_.no_cross_namespace_refs &&
      event.involved_object().namespace_() != alert.namespace_) {
    return refuse(absl::FailedPreconditionError(absl::StrCat(
        "Alert ", alert.namespace_, "/", alert.name,
        ": takes events of its own namespace only, and this is of ",
        event.involved_object().namespace_())));
  }
  absl::StatusOr<v1::StatusIntent> intent =
      MakeIntent({event, alert, *provider, rules, MergedMetadata(event, alert)},
                 options_.description);
  if (!intent.ok()) {
    refuse(intent.status());
  } else if (!Contains(routes.intents, *intent)) {
    routes.intents.push_back(*std::move(intent));
  }
}

}  // namespace lamplighter::dispatcher
