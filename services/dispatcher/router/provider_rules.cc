#include "services/dispatcher/router/provider_rules.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace lamplighter::dispatcher {
namespace {

absl::StatusOr<absl::optional<StatusTemplate>> ReadTemplate(
    const Provider& provider, const char* name) {
  const absl::string_view text = provider.Annotation(name);
  if (text.empty()) return absl::nullopt;
  absl::StatusOr<StatusTemplate> parsed = StatusTemplate::Parse(text);
  if (parsed.ok()) return *std::move(parsed);
  return Annotate(parsed.status(), "annotation lamplighter.dev/", name);
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
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(rules.context,
                               ReadTemplate(provider, "context"));
  LAMPLIGHTER_ASSIGN_OR_RETURN(rules.description,
                               ReadTemplate(provider, "description"));
  LAMPLIGHTER_ASSIGN_OR_RETURN(rules.target_url,
                               ReadTemplate(provider, "target-url"));
  rules.sets_pending = provider.Annotation("pending") == "true";
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
                                         const std::string& repository) {
  if (!rules.account) return rules.repository_id;
  if (repository.empty()) {
    return absl::NotFoundError(
        "the Provider is for an account, and the event does not say which "
        "repository: annotate its object with "
        "event.toolkit.fluxcd.io/repository: URL");
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::string id,
      RepositoryId(provider.type, repository, provider.ForgeUrl()));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const ForgeLocation location,
                               LocateInAccount(*rules.account, id));
  return RepositoryId(location);
}

}  // namespace lamplighter::dispatcher
