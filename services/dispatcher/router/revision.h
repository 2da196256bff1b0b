#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lamplighter::dispatcher {

// The commit's object id, in lower case, of a revision as Flux writes them:
// main@sha1:<id>, sha1:<id>, refs/tags/v1@sha1:<id>, and the forms of old
// versions, main/<id> and <id>. An id has 40 hex digits, or 64. NotFound for
// anything else.
//
// notification-controller also takes any 40 bytes for an id, and no 64 digits.
absl::StatusOr<std::string> ParseRevision(absl::string_view revision);

// The same of the revision that `metadata` (without prefixes) names: the first
// of `commit`, `originRevision` and `revision` that is there, even if empty.
// NotFound if none is, or it names no commit.
absl::StatusOr<std::string> CommitOf(
    const std::map<std::string, std::string>& metadata);

}  // namespace lamplighter::dispatcher
