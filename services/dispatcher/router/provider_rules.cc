#include "services/dispatcher/router/provider_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "services/dispatcher/router/commit_status_bindings.h"

namespace lamplighter::dispatcher {
namespace {

constexpr size_t kMaxRollUpName = 100;
constexpr int kMaxRollUpClusters = 1000;

absl::StatusOr<absl::optional<StatusTemplate>> ReadTemplate(
    const Provider& provider, const char* name) {
  const absl::string_view text = provider.Annotation(name);
  if (text.empty()) return absl::nullopt;
  absl::StatusOr<StatusTemplate> parsed = StatusTemplate::Parse(text);
  if (parsed.ok()) return *std::move(parsed);
  return Annotate(parsed.status(), "annotation lamplighter.dev/", name);
}

bool IsRollUpName(absl::string_view name) {
  return name.size() <= kMaxRollUpName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) ||
                  absl::string_view("-._/").find(c) != absl::string_view::npos;
         });
}

absl::StatusOr<absl::optional<RollUpRule>> ReadRollUp(
    const Provider& provider) {
  const absl::string_view name = provider.Annotation("roll-up");
  const absl::string_view clusters = provider.Annotation("roll-up-clusters");
  if (name.empty() && clusters.empty()) return absl::nullopt;
  if (name.empty()) {
    return absl::InvalidArgumentError(
        "annotation lamplighter.dev/roll-up-clusters: needs "
        "lamplighter.dev/roll-up: NAME beside it");
  }
  if (!IsRollUpName(name)) {
    return absl::InvalidArgumentError(
        "annotation lamplighter.dev/roll-up: must be at most 100 letters, "
        "digits and -._/");
  }
  RollUpRule rule{absl::StrCat("lamplighter/", name)};
  if (!clusters.empty() &&
      (!absl::SimpleAtoi(clusters, &rule.clusters) || rule.clusters < 1 ||
       rule.clusters > kMaxRollUpClusters)) {
    return absl::InvalidArgumentError(
        "annotation lamplighter.dev/roll-up-clusters: must be a number from 1 "
        "to 1000, in quotes");
  }
  return rule;
}

absl::Status ReadPlace(const Provider& provider, ProviderRules& rules) {
  if (provider.IsAccount()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        rules.account, LocateAccount(provider.type, provider.address));
    return absl::OkStatus();
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      rules.repository_id,
      RepositoryId(provider.type, provider.address, provider.ForgeUrl()));
  return absl::OkStatus();
}

absl::Status Read(const Provider& provider, ProviderRules& rules) {
  const absl::Status place = ReadPlace(provider, rules);
  if (!place.ok()) return Annotate(place, "spec.address");
  if (!provider.commit_status_expr.empty()) {
    CelOptions options;
    options.variables = {{"event"}, {"provider"}, {"alert"}};
    options.result = CelType(CelType::Kind::kString);
    auto compiled =
        CelExpression::Compile(provider.commit_status_expr, options);
    if (!compiled.ok()) {
      return Annotate(compiled.status(), "spec.commitStatusExpr");
    }
    rules.commit_status_expr = *std::move(compiled);
    rules.object = ObjectValue(provider.json);
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(rules.context,
                               ReadTemplate(provider, "context"));
  LAMPLIGHTER_ASSIGN_OR_RETURN(rules.description,
                               ReadTemplate(provider, "description"));
  LAMPLIGHTER_ASSIGN_OR_RETURN(rules.target_url,
                               ReadTemplate(provider, "target-url"));
  rules.sets_pending = provider.Annotation("pending") == "true";
  LAMPLIGHTER_ASSIGN_OR_RETURN(rules.roll_up, ReadRollUp(provider));
  return absl::OkStatus();
}

}  // namespace

ProviderRules ReadProviderRules(const Provider& provider) {
  ProviderRules rules;
  const absl::Status status = Read(provider, rules);
  if (!status.ok()) {
    rules.problem = absl::FailedPreconditionError(
        absl::StrCat("Provider ", provider.namespace_, "/", provider.name, ": ",
                     status.message()));
  }
  return rules;
}

absl::StatusOr<std::string> RepositoryOf(const ProviderRules& rules,
                                         const Provider& provider,
                                         const std::string& named,
                                         const SourceUrl& source) {
  if (!rules.account) return rules.repository_id;
  if (named.empty() && !source) {
    return absl::UnavailableError("the source is not looked up yet");
  }
  if (named.empty() && !source->ok()) {
    const std::string why = absl::StrCat(
        "the Provider is for an account, and the event does not say which "
        "repository: annotate its object with "
        "event.toolkit.fluxcd.io/repository: URL; its source does not say it "
        "either: ",
        source->status().message());
    if (absl::IsNotFound(source->status())) return absl::NotFoundError(why);
    return absl::FailedPreconditionError(why);
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::string id,
      RepositoryId(provider.type, named.empty() ? **source : named,
                   provider.ForgeUrl()));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const ForgeLocation location,
                               LocateInAccount(*rules.account, id));
  return RepositoryId(location);
}

}  // namespace lamplighter::dispatcher
