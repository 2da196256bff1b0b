#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/kubernetes/kubernetes_client.h"
#include "common/kubernetes/object_labels.h"
#include "common/time/clock.h"

namespace lamplighter {

// ObjectLabels from the API server, which is asked for the metadata alone.
// Remembers what it was told: a burst of events of one object asks once.
class KubernetesObjectLabels final : public ObjectLabels {
 public:
  struct Options {
    // Objects, and API versions, remembered at once; the one that was not asked
    // for the longest makes room.
    size_t max_remembered = 10'000;
    // Labels may change without the event's resourceVersion showing it: events
    // carry that of when their reconciliation began.
    absl::Duration remember = absl::Seconds(30);
  };

  // Both must outlive it.
  KubernetesObjectLabels(const Options& options, KubernetesClient& client,
                         const Clock& clock)
      : options_(options), client_(client), clock_(clock) {}

  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<const Labels>>> Find(
      ObjectReference object) override;

 private:
  // The least recently used entry is the last.
  template <typename Value>
  class Memory {
   public:
    // Null if it is not known, or too old.
    const Value* Find(const std::string& key, absl::Duration not_before);
    void Put(const std::string& key, Value value, absl::Duration now,
             size_t max);

   private:
    struct Entry {
      std::string key;
      Value value;
      absl::Duration when;
    };
    std::list<Entry> entries_;
    absl::flat_hash_map<std::string, typename std::list<Entry>::iterator> at_;
  };

  // The plural by which the API knows `kind`: {"kustomizations", true}; the
  // flag tells whether its objects are in namespaces.
  struct Resource {
    std::string plural;
    bool namespaced = false;
  };
  boost::asio::awaitable<absl::StatusOr<Resource>> FindResource(
      std::string api_version, std::string kind);

  const Options options_;
  KubernetesClient& client_;
  const Clock& clock_;
  Memory<std::shared_ptr<const Labels>> labels_;
  Memory<Resource> resources_;
};

}  // namespace lamplighter
