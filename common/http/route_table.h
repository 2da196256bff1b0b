#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/http/http_server.h"

namespace lamplighter {

// Finds the handler for a method and a path: one hash look-up where the path
// has no {name} elements, else the patterns one after another, in their order.
class RouteTable {
 public:
  struct Match {
    // Null if nothing answers. Lives as long as the table.
    const HttpRoute* route = nullptr;
    std::vector<std::string> path_params;
    // If only the method is wrong: those that the path has, for Allow.
    std::string allow;
  };

  // InvalidArgument for a path without a leading slash, a route without a
  // handler, or two routes of the same method and shape.
  static absl::StatusOr<RouteTable> Create(std::vector<HttpRoute> routes);

  Match Find(absl::string_view method, absl::string_view path) const;

 private:
  // The routes of one path, a route a method.
  struct Place {
    std::vector<std::string> elements;  // empty ones match anything
    std::vector<HttpRoute> routes;
  };

  absl::flat_hash_map<std::string, Place> exact_;
  std::vector<std::pair<std::string, Place>> patterns_;
};

}  // namespace lamplighter
