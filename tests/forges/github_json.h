#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tests/forges/scripted_github.h"
#include "tests/forges/status_store.h"

// Bodies as GitHub writes them.
namespace lamplighter {

struct CommitName {
  absl::string_view owner;
  absl::string_view repository;
  absl::string_view sha;
};

// From a route's parameters, which must outlive it.
CommitName CommitOf(const std::vector<std::string>& path_params);

std::string StatusJson(const ScriptedStatus& status, const CommitName& commit);
std::string StatusListJson(absl::Span<const ScriptedStatus* const> page,
                           const CommitName& commit);

// The combined status of `all`, listing `page`.
std::string CombinedJson(absl::Span<const ScriptedStatus* const> all,
                         absl::Span<const ScriptedStatus* const> page,
                         const CommitName& commit);

std::string ErrorJson(int status, absl::string_view message);
std::string ValidationJson(absl::string_view problem);
std::string CallJson(const ScriptedCall& call);

}  // namespace lamplighter
