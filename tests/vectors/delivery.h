#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/http/http_client.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/provider/forges/forge.h"

namespace lamplighter::vectors {

// Where the forges of the vectors are.
inline constexpr char kForge[] = "http://127.0.0.1";
inline constexpr char kSha[] = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";

// What the vectors were made with: a Provider, and what its forge shows.
struct Target {
  std::string type;
  std::string address;
  std::map<std::string, std::string> secret;
  std::map<std::string, std::string> annotations = {};
  std::string commit_status_expr = "";
  std::vector<provider::ForgeStatus> shown = {};
};

// A Provider of that type with the credential that the vectors' had. `path` is
// below kForge, or an address.
Target MakeTarget(const std::string& type, const std::string& path);

// An address of some repository on a forge of that type.
std::string SomePath(const std::string& type);

// An event of a Kustomization. `metadata` is without prefixes.
v1::FluxEvent MakeEvent(const std::string& name, const std::string& severity,
                        const std::string& reason,
                        const std::map<std::string, std::string>& metadata);

// The requests that change something which the event leads to: by the router,
// with Flux's own descriptions, and the provider worker. Where it leads to a
// dead letter or the worker fails, the error.
absl::StatusOr<std::vector<HttpCall>> Deliver(const Target& target,
                                              const v1::FluxEvent& event);

// The same of a status, by the worker alone.
absl::StatusOr<std::vector<HttpCall>> Deliver(const Target& target,
                                              v1::StatusIntent intent);

// The forge of a provider type; null where there is none.
std::unique_ptr<provider::Forge> MakeForge(absl::string_view type);

}  // namespace lamplighter::vectors
