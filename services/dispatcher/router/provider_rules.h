#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "common/forge/forge_location.h"
#include "common/manifests/objects.h"
#include "services/dispatcher/cel/cel.h"
#include "services/dispatcher/router/status_template.h"

namespace lamplighter::dispatcher {

// What a Provider says of the statuses that are set by it, read once. Its
// annotations below lamplighter.dev/ add to what Flux knows, and mean nothing
// to Flux:
//
//   context, description, target-url  StatusTemplates in place of the usual
//   pending                           "true": an event with the reason
//                                     Progressing sets pending, on every forge
//
// An address of an owner alone, with the annotation `account` "true", stands
// for all repositories of that owner: the event's metadata `repository`, a Git
// URL, says which.
struct ProviderRules {
  // FailedPrecondition, naming the Provider and its field, for what cannot be
  // used; nothing else is to be read then.
  absl::Status problem;

  std::string repository_id;              // empty for an account
  absl::optional<ForgeLocation> account;  // none for a repository
  std::unique_ptr<const CelExpression> commit_status_expr;  // null without
  absl::optional<StatusTemplate> context;
  absl::optional<StatusTemplate> description;
  absl::optional<StatusTemplate> target_url;
  bool sets_pending = false;
};

ProviderRules ReadProviderRules(const Provider& provider);

// The repository's id: the Provider's own, or, of an account, that of the Git
// URL `repository`. NotFound where the event does not say which;
// InvalidArgument where that is not the account's.
absl::StatusOr<std::string> RepositoryOf(const ProviderRules& rules,
                                         const Provider& provider,
                                         const std::string& repository);

}  // namespace lamplighter::dispatcher
