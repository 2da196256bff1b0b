#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "common/http/http_server.h"
#include "tests/forges/status_store.h"

// How a scripted Azure DevOps names things and shows them.
namespace lamplighter::azuredevops {

// What the path of a request names, by names or ids.
struct Path {
  std::string organization;
  std::string project;
  std::string repository;
  std::string sha;
};
Path PathOf(const HttpRequest& request);

// The ids of a project and of a repository of that name: of "Project 7" and
// "repo-7", and of any other.
std::string ProjectId(absl::string_view project);
std::string RepositoryId(absl::string_view project, absl::string_view name);

// 7 for "Project 7"; none for other names.
absl::optional<size_t> NumberOfProject(absl::string_view name);

bool IsDisabled(const std::string& repository);

// What the store takes for the context: a name in a genre.
std::string StoredContext(absl::string_view genre, absl::string_view name);

std::string ListJson(const std::vector<std::string>& entries);
std::string ProjectJson(const std::string& name);
std::string RepositoryJson(const HttpRequest& request, const Path& path);
std::string StatusJson(const ScriptedStatus& status);

}  // namespace lamplighter::azuredevops
