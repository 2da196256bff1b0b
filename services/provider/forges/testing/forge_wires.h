#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http/http_client.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// How a forge says things.
struct Wire {
  std::string address;
  std::string api;  // what each URL begins with
  HttpResult (*list)(const std::vector<ForgeStatus>& statuses);
  HttpResult (*created)();
  std::map<v1::CommitState, std::string> states;
  std::string token_header = "Authorization";
  std::string shown_id = "41";
  absl::Duration usual_wait = absl::Seconds(60);  // after a limit without one
};

// How the forges of a provider type say things, or null where nobody wrote it
// down.
const Wire* FindWire(absl::string_view type);

}  // namespace lamplighter::provider
