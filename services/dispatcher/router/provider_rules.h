#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "common/forge/forge_location.h"
#include "common/manifests/objects.h"
#include "services/dispatcher/cel/cel.h"
#include "services/dispatcher/cel/cel_value.h"
#include "services/dispatcher/router/status_template.h"

namespace lamplighter::dispatcher {

// A status that sums up what clusters report of a commit.
struct RollUpRule {
  std::string context;
  int clusters = 0;  // that are to report; 0 for those that do
};

// What a Provider says of the statuses that are set by it, read once. Its
// annotations below lamplighter.dev/ add to what Flux knows, and mean nothing
// to Flux:
//
//   context, description, target-url  StatusTemplates in place of the usual
//   pending                           "true": an event with the reason
//                                     Progressing sets pending, on every forge
//   roll-up                           name of a status over all clusters
//   roll-up-clusters                  how many are to report
//
// An address of an owner alone, with the annotation `account` "true", stands
// for all repositories of that owner: the event's metadata `repository`, a Git
// URL, says which, or else the source of the event's object.
struct ProviderRules {
  // FailedPrecondition, naming the Provider and its field, for what cannot be
  // used; nothing else is to be read then.
  absl::Status problem;

  std::string repository_id;              // empty for an account
  absl::optional<ForgeLocation> account;  // none for a repository
  std::unique_ptr<const CelExpression> commit_status_expr;  // null without
  CelValue object;  // the Provider itself, for the expression; null without
  absl::optional<StatusTemplate> context;
  absl::optional<StatusTemplate> description;
  absl::optional<StatusTemplate> target_url;
  bool sets_pending = false;
  absl::optional<RollUpRule> roll_up;
};

ProviderRules ReadProviderRules(const Provider& provider);

// What is known of the Git URL that an event's object is made from. Unset: it
// has not been looked up. NotFound: there is none. Another error: it cannot be
// told, and says what to do about that.
using SourceUrl = absl::optional<absl::StatusOr<std::string>>;

// The repository's id: the Provider's own, or, of an account, that of the Git
// URL `named`, or, where it is empty, of `source`.
//   Unavailable         `source` has to be looked up first;
//   NotFound            neither says which;
//   FailedPrecondition  `source` cannot be told;
//   InvalidArgument     it is not one of the account's.
absl::StatusOr<std::string> RepositoryOf(const ProviderRules& rules,
                                         const Provider& provider,
                                         const std::string& named,
                                         const SourceUrl& source);

}  // namespace lamplighter::dispatcher
