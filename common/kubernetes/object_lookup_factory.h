#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "boost/asio/io_context.hpp"
#include "common/kubernetes/object_lookup.h"
#include "common/time/clock.h"
#include "proto/lamplighter/config/v1/dispatcher.pb.h"

namespace lamplighter {

// Looks up objects in the cluster that `config` reads manifests from; null
// where those are files, which know no objects. Errors are those of
// MakeClusterConfig. References must outlive it.
absl::StatusOr<std::unique_ptr<ObjectLookup>> MakeObjectLookup(
    const config::v1::Manifests& config, boost::asio::io_context& loop,
    const Clock& clock);

}  // namespace lamplighter
