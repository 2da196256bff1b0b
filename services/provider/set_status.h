#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// What SetStatus() did.
struct SetStatusResult {
  bool written = false;  // false where the forge showed the same already
  std::string forge_id;
};

// Makes the commit show the intent, the same way on every forge: reads what is
// shown (unless it is `known_different`), writes what differs, and looks again,
// if time is left, where it is not known whether the write worked.
//
// Texts are cleaned and masked; a target URL that is not http(s) is left out,
// because some forges would refuse the status and others show it.
//
// What only stands in for a result (`pending_until` is set) is always read for
// first. AlreadyExists, and nothing is written, where the commit shows another
// status of the context, unless that is pending and `intent` its error.
boost::asio::awaitable<absl::StatusOr<SetStatusResult>> SetStatus(
    Forge& forge, ForgeCall& call, v1::StatusIntent intent,
    bool known_different);

}  // namespace lamplighter::provider
