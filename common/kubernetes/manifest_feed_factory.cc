#include "common/kubernetes/manifest_feed_factory.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/asio/awaitable.hpp"
#include "common/async/timer_sleeper.h"
#include "common/http/http_client.h"
#include "common/kubernetes/kubernetes_client.h"
#include "common/kubernetes/kubernetes_manifests.h"
#include "common/kubernetes/object_watch.h"
#include "common/log/log.h"
#include "common/manifests/manifest_directory.h"
#include "common/manifests/manifest_metrics.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

constexpr int kMaxNamespaces = 100;
// Beside a watch for every namespace and kind.
constexpr size_t kSpareRequests = 16;

WatchRestarts MakeRestarts(Metrics& metrics, const std::string& service) {
  Metrics::Counters& counters = metrics.AddCounters(
      absl::StrCat("lamplighter_", service, "_manifest_watch_restarts_total"),
      "Watches of Flux objects that began anew, by why the last ended.");
  return {.ended = counters.Add({{"reason", "ended"}}),
          .gone = counters.Add({{"reason", "gone"}}),
          .failed = counters.Add({{"reason", "failed"}})};
}

// A KubernetesManifests with all that it stands on.
class ClusterManifests final : public ManifestFeed {
 public:
  ClusterManifests(const KubernetesManifests::Options& options,
                   boost::asio::io_context& loop,
                   std::unique_ptr<HttpClient> http,
                   std::unique_ptr<KubernetesClient> client, const Clock& clock,
                   ManifestMetrics metrics, WatchRestarts restarts)
      : http_(std::move(http)),
        client_(std::move(client)),
        manifests_(options, loop, *client_, sleeper_, clock, std::move(metrics),
                   restarts) {}

  std::shared_ptr<const Manifests> Current() const override {
    return manifests_.Current();
  }
  void Start() override { manifests_.Start(); }
  boost::asio::awaitable<void> Stop() override { return manifests_.Stop(); }
  absl::Status Ready() const override { return manifests_.Ready(); }
  boost::asio::awaitable<absl::Status> UntilReady() override {
    return manifests_.UntilReady();
  }

 private:
  const std::unique_ptr<HttpClient> http_;
  const std::unique_ptr<KubernetesClient> client_;
  TimerSleeper sleeper_;
  KubernetesManifests manifests_;
};

absl::StatusOr<std::unique_ptr<ManifestFeed>> MakeClusterManifests(
    const config::v1::Kubernetes& config, const ManifestReader& reader,
    boost::asio::io_context& loop, Metrics& metrics, const Clock& clock) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const ClusterConfig cluster,
                               MakeClusterConfig(config));
  if (config.allow_insecure()) {
    LAMPLIGHTER_LOG(kWarning,
                    "kubernetes: allow_insecure is set: whoever is in between "
                    "can read the token and the objects")
        .With("server", cluster.server);
  }
  KubernetesManifests::Options options;
  options.namespaces = {config.namespaces().begin(), config.namespaces().end()};
  options.alerts = reader.alerts;
  options.secrets = reader.secrets;
  CurlHttpClient::Options http_options;
  http_options.max_requests = 3 * kMaxNamespaces + kSpareRequests;
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<HttpClient> http,
                               CurlHttpClient::Create(http_options, loop));
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<KubernetesClient> client,
                               KubernetesClient::Create({}, cluster, *http));
  return std::make_unique<ClusterManifests>(
      options, loop, std::move(http), std::move(client), clock,
      ManifestMetrics(metrics, reader.service),
      MakeRestarts(metrics, reader.service));
}

}  // namespace

absl::StatusOr<ClusterConfig> MakeClusterConfig(
    const config::v1::Kubernetes& config) {
  if (config.kubeconfig().empty()) return InClusterConfig();
  return LoadKubeconfig({.path = config.kubeconfig(),
                         .context = config.context(),
                         .allow_insecure = config.allow_insecure()});
}

absl::StatusOr<std::unique_ptr<ManifestFeed>> MakeManifestFeed(
    const config::v1::Manifests& config, const ConfigFile& file,
    const ManifestReader& reader, boost::asio::io_context& loop,
    Metrics& metrics, const Clock& clock) {
  const std::string field = absl::StrCat(reader.service, ".manifests");
  if (config.directory().empty() && !config.has_kubernetes()) {
    return file.Error(absl::StrCat(field, ".directory"),
                      "must not be empty, unless kubernetes is there instead");
  }
  if (!config.directory().empty() && config.has_kubernetes()) {
    return file.Error(absl::StrCat(field, ".kubernetes"),
                      "cannot be beside directory: take one of them out");
  }
  if (config.kubernetes().namespaces_size() > kMaxNamespaces) {
    return file.Error(absl::StrCat(field, ".kubernetes.namespaces"),
                      "at most 100; leave it out to read all of the cluster");
  }
  if (config.has_kubernetes()) {
    auto made =
        MakeClusterManifests(config.kubernetes(), reader, loop, metrics, clock);
    if (made.ok()) return made;
    return file.Error(absl::StrCat(field, ".kubernetes"),
                      made.status().message());
  }
  auto made =
      ManifestDirectory::Create({.directory = config.directory()}, loop, clock,
                                ManifestMetrics(metrics, reader.service));
  if (!made.ok()) {
    return file.Error(absl::StrCat(field, ".directory"),
                      made.status().message());
  }
  return *std::move(made);
}

}  // namespace lamplighter
