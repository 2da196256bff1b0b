#pragma once

#include <memory>

#include "absl/status/status.h"
#include "boost/asio/awaitable.hpp"
#include "common/manifests/manifest_source.h"

namespace lamplighter {

// A ManifestSource that follows its objects by itself. On the loop only.
//
// Nothing should be decided by Current() before all objects have been read for
// the first time: until then it is empty. From then on it holds the last state
// that was valid, whatever happens.
class ManifestFeed : public ManifestSource {
 public:
  // Begins to follow. Call once.
  virtual void Start() = 0;

  // Ends that. Must have ended before the destruction of what was started.
  virtual boost::asio::awaitable<void> Stop() = 0;

  // OK once all objects have been read for the first time; until then
  // Unavailable, with the reason.
  virtual absl::Status Ready() const = 0;

  // Waits for that, or for being cancelled: Cancelled.
  virtual boost::asio::awaitable<absl::Status> UntilReady() = 0;
};

}  // namespace lamplighter
