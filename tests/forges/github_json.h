#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/http/http_server.h"
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
// `resource` is what has the problem.
std::string ValidationJson(absl::string_view problem,
                           absl::string_view resource = "Status");

// A repository of a list; the lists of Apps do not say what may be done.
struct RepositoryName {
  std::string owner;
  std::string name;
  size_t number = 0;  // of the owner's, that its other fields depend on
  size_t id = 0;      // made of owner and number where it is 0
};
size_t IdOf(const RepositoryName& repository);
enum class Viewer { kUser, kApp };
std::string RepositoryJson(const RepositoryName& repository, Viewer viewer,
                           absl::string_view host);

// A page of a list that holds `count`, with Link and an ETag that is the
// token's; 304 where the client has it. `format` makes the body of those from
// `begin` up to `end`.
HttpResponse PageOf(
    const HttpRequest& request, size_t count,
    const std::function<std::string(size_t begin, size_t end)>& format);

}  // namespace lamplighter
