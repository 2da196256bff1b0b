#include "common/kubernetes/object_lookup_factory.h"

#include <memory>
#include <string>
#include <utility>

#include "boost/asio/awaitable.hpp"
#include "common/http/http_client.h"
#include "common/kubernetes/cluster_config.h"
#include "common/kubernetes/kubernetes_client.h"
#include "common/kubernetes/kubernetes_object_lookup.h"
#include "common/kubernetes/manifest_feed_factory.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

// A KubernetesObjectLookup with all that it stands on. Its connections are its
// own, so that look-ups never wait behind watches.
class ClusterLookup final : public ObjectLookup {
 public:
  ClusterLookup(std::unique_ptr<HttpClient> http,
                std::unique_ptr<KubernetesClient> client, const Clock& clock)
      : http_(std::move(http)),
        client_(std::move(client)),
        lookup_({}, *client_, clock) {}

  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<const Labels>>>
  FindLabels(ObjectReference object) override {
    return lookup_.FindLabels(std::move(object));
  }
  boost::asio::awaitable<absl::StatusOr<std::string>> FindRepository(
      ObjectReference object) override {
    return lookup_.FindRepository(std::move(object));
  }

 private:
  const std::unique_ptr<HttpClient> http_;
  const std::unique_ptr<KubernetesClient> client_;
  KubernetesObjectLookup lookup_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ObjectLookup>> MakeObjectLookup(
    const config::v1::Manifests& config, boost::asio::io_context& loop,
    const Clock& clock) {
  if (!config.has_kubernetes()) return nullptr;
  LAMPLIGHTER_ASSIGN_OR_RETURN(const ClusterConfig cluster,
                               MakeClusterConfig(config.kubernetes()));
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<HttpClient> http,
                               CurlHttpClient::Create({}, loop));
  LAMPLIGHTER_ASSIGN_OR_RETURN(std::unique_ptr<KubernetesClient> client,
                               KubernetesClient::Create({}, cluster, *http));
  return std::make_unique<ClusterLookup>(std::move(http), std::move(client),
                                         clock);
}

}  // namespace lamplighter
