#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "boost/json/object.hpp"
#include "boost/json/value.hpp"
#include "common/http/http_server.h"
#include "tests/forges/scripted_gitlab.h"

// Bodies as GitLab writes them.
namespace lamplighter {

// Where the server believes to be: wrong, as it may be behind a proxy.
inline constexpr char kGitLabUrl[] = "http://gitlab.internal:8929";

// Whether a status in that state can still change.
bool IsUnderWay(absl::string_view state);

boost::json::object StatusJson(const ScriptedGitLab::Job& job,
                               absl::string_view sha);

// "permissions" of a project; both null where the level is 0.
boost::json::object AccessJson(int64_t level);

// The user's level in the project with that id, as min_access_level knows it.
int64_t LevelIn(int64_t project);

boost::json::object ProjectJson(int64_t id, bool simple);

// A page by number of a list of `size` entries, with its headers.
HttpResponse NumberedPage(const HttpRequest& request, size_t size,
                          absl::FunctionRef<boost::json::value(size_t)> entry);

}  // namespace lamplighter
