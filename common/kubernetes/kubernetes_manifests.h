#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/kubernetes/kubernetes_client.h"
#include "common/kubernetes/manifest_store.h"
#include "common/kubernetes/object_watch.h"
#include "common/manifests/manifest_feed.h"
#include "common/manifests/manifest_metrics.h"
#include "common/time/clock.h"

namespace lamplighter {

// The Flux objects of a cluster, by list and watch. Reads no more than it is
// told to, so that its role needs no more. On the loop only.
class KubernetesManifests final : public ManifestFeed {
 public:
  struct Options {
    std::vector<std::string> namespaces;  // all if empty
    bool alerts = true;                   // beside Providers
    bool secrets = false;
    // Changes are taken over together, this often at most.
    absl::Duration settle = absl::Milliseconds(200);
  };

  // What is not a copy must outlive it.
  KubernetesManifests(const Options& options, boost::asio::io_context& loop,
                      KubernetesClient& client, Sleeper& sleeper,
                      const Clock& clock, ManifestMetrics metrics,
                      WatchRestarts restarts);
  ~KubernetesManifests() override;

  std::shared_ptr<const Manifests> Current() const override { return current_; }
  void Start() override;
  boost::asio::awaitable<void> Stop() override;
  absl::Status Ready() const override;
  boost::asio::awaitable<absl::Status> UntilReady() override;

 private:
  class Part;  // one resource in one namespace, or in all

  void AddParts(const ObjectWatch::Options& options, const std::string& kind,
                KubernetesClient& client, WatchRestarts restarts);
  void OnChange();
  void OnInTouch();
  boost::asio::awaitable<void> PublishSoon();
  void Publish();

  const Options options_;
  Sleeper& sleeper_;
  const Clock& clock_;
  ManifestMetrics metrics_;
  ManifestStore store_;
  std::shared_ptr<const Manifests> current_ =
      std::make_shared<const Manifests>();
  bool publishing_ = false;
  bool ready_ = false;
  boost::asio::steady_timer until_ready_;  // expires when it is
  std::vector<std::unique_ptr<Part>> parts_;
  TaskGroup tasks_;  // last: its tasks use what is above
};

}  // namespace lamplighter
