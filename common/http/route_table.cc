#include "common/http/route_table.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace lamplighter {
namespace {

// "/a/{b}/c" gives {"a", "", "c"}.
std::vector<std::string> Elements(absl::string_view path) {
  std::vector<std::string> elements = absl::StrSplit(path.substr(1), '/');
  for (std::string& element : elements) {
    if (absl::StartsWith(element, "{") && absl::EndsWith(element, "}"))
      element.clear();
  }
  return elements;
}

// What the empty elements matched is appended to `params`.
bool MatchElements(const std::vector<std::string>& pattern,
                   absl::string_view path, std::vector<std::string>& params) {
  params.clear();
  size_t i = 0;
  for (const absl::string_view element : absl::StrSplit(path.substr(1), '/')) {
    if (i == pattern.size() || element.empty()) return false;
    if (pattern[i].empty()) {
      params.emplace_back(element);
    } else if (pattern[i] != element) {
      return false;
    }
    ++i;
  }
  return i == pattern.size();
}

const HttpRoute* ForMethod(const std::vector<HttpRoute>& routes,
                           absl::string_view method) {
  if (method == "HEAD") method = "GET";
  const auto found = std::find_if(
      routes.begin(), routes.end(),
      [method](const HttpRoute& route) { return route.method == method; });
  return found == routes.end() ? nullptr : &*found;
}

void AppendAllowed(const std::vector<HttpRoute>& routes, std::string& allow) {
  for (const HttpRoute& route : routes) {
    absl::StrAppend(&allow, allow.empty() ? "" : ", ", route.method,
                    route.method == "GET" ? ", HEAD" : "");
  }
}

}  // namespace

absl::StatusOr<RouteTable> RouteTable::Create(std::vector<HttpRoute> routes) {
  RouteTable table;
  for (HttpRoute& route : routes) {
    const std::string name = absl::StrCat(route.method, " ", route.path);
    if (!absl::StartsWith(route.path, "/") || route.handler == nullptr)
      return absl::InvalidArgumentError(absl::StrCat("route ", name));
    std::vector<std::string> elements = Elements(route.path);
    const bool exact = !absl::StrContains(route.path, "{");
    Place* place = nullptr;
    if (exact) {
      place = &table.exact_[route.path];
    } else {
      const std::string shape = absl::StrJoin(elements, "/");
      for (auto& [key, known] : table.patterns_) {
        if (key == shape) place = &known;
      }
      if (place == nullptr)
        place = &table.patterns_.emplace_back(shape, Place{}).second;
    }
    if (ForMethod(place->routes, route.method) != nullptr)
      return absl::InvalidArgumentError(absl::StrCat("two routes for ", name));
    place->elements = std::move(elements);
    place->routes.push_back(std::move(route));
  }
  return table;
}

RouteTable::Match RouteTable::Find(absl::string_view method,
                                   absl::string_view path) const {
  Match match;
  if (const auto exact = exact_.find(path); exact != exact_.end()) {
    match.route = ForMethod(exact->second.routes, method);
    if (match.route != nullptr) return match;
    AppendAllowed(exact->second.routes, match.allow);
  }
  if (!absl::StartsWith(path, "/")) return match;
  for (const auto& [shape, place] : patterns_) {
    if (!MatchElements(place.elements, path, match.path_params)) continue;
    match.route = ForMethod(place.routes, method);
    if (match.route != nullptr) return match;
    AppendAllowed(place.routes, match.allow);
  }
  match.path_params.clear();
  return match;
}

}  // namespace lamplighter
