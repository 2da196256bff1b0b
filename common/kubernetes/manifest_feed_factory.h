#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/io_context.hpp"
#include "common/config/config_file.h"
#include "common/kubernetes/cluster_config.h"
#include "common/manifests/manifest_feed.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "proto/lamplighter/config/v1/dispatcher.pb.h"

namespace lamplighter {

// Who follows manifests, and which beside Providers.
struct ManifestReader {
  std::string service;  // the section of the configuration; names the metrics
  bool alerts = false;
  bool secrets = false;
};

// The feed that `config`, the section `<service>.manifests`, asks for.
// InvalidArgument "FILE:LINE: …" for what cannot be used. References must
// outlive it.
absl::StatusOr<std::unique_ptr<ManifestFeed>> MakeManifestFeed(
    const config::v1::Manifests& config, const ConfigFile& file,
    const ManifestReader& reader, boost::asio::io_context& loop,
    Metrics& metrics, const Clock& clock);

// The cluster that `config` names. Errors are those of InClusterConfig and
// LoadKubeconfig.
absl::StatusOr<ClusterConfig> MakeClusterConfig(
    const config::v1::Kubernetes& config);

}  // namespace lamplighter
