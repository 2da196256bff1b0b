#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json/object.hpp"
#include "common/kubernetes/kubernetes_client.h"
#include "common/kubernetes/object_lookup.h"
#include "common/kubernetes/recent_memory.h"
#include "common/time/clock.h"

namespace lamplighter {

// ObjectLookup from the API server. For labels it asks for the metadata alone.
// Remembers what it was told: a burst of events of one object asks once.
class KubernetesObjectLookup final : public ObjectLookup {
 public:
  struct Options {
    // Of labels, of URLs and of API versions each.
    size_t max_remembered = 10'000;
    // Objects may change without the event's resourceVersion showing it: events
    // carry that of when their reconciliation began.
    absl::Duration remember = absl::Seconds(30);
  };

  // Both must outlive it.
  KubernetesObjectLookup(const Options& options, KubernetesClient& client,
                         const Clock& clock)
      : options_(options),
        client_(client),
        clock_(clock),
        labels_(options.max_remembered),
        repositories_(options.max_remembered),
        resources_(options.max_remembered) {}

  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<const Labels>>>
  FindLabels(ObjectReference object) override;
  boost::asio::awaitable<absl::StatusOr<std::string>> FindRepository(
      ObjectReference object) override;

 private:
  // The plural by which the API knows a kind: {"kustomizations", true}; the
  // flag tells whether its objects are in namespaces.
  struct Resource {
    std::string plural;
    bool namespaced = false;
  };

  // FindRepository of what is so many references away from the event's object.
  boost::asio::awaitable<absl::StatusOr<std::string>> FollowSource(
      ObjectReference object, int references);
  // The object, in the media type `accept`.
  boost::asio::awaitable<absl::StatusOr<boost::json::object>> Get(
      ObjectReference object, std::string accept);
  boost::asio::awaitable<absl::StatusOr<Resource>> FindResource(
      std::string api_version, std::string kind);
  // The API version that the cluster has a kind of source in.
  boost::asio::awaitable<absl::StatusOr<std::string>> FindSourceVersion(
      std::string kind);

  const Options options_;
  KubernetesClient& client_;
  const Clock& clock_;
  RecentMemory<std::shared_ptr<const Labels>> labels_;
  RecentMemory<std::string> repositories_;
  RecentMemory<Resource> resources_;
};

}  // namespace lamplighter
