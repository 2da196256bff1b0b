#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/seal/seal.h"
#include "services/provider/connections.h"

namespace lamplighter::provider {

// Opens the connections that callers bring along, sealed by the catalog. On the
// loop only.
class SealedConnections {
 public:
  // `seal` is null where the configuration has no keys: then each is refused.
  // The newest `max_kept` are kept as they were read.
  explicit SealedConnections(std::unique_ptr<Seal> seal, size_t max_kept = 1000)
      : seal_(std::move(seal)), max_kept_(max_kept) {}

  // FailedPrecondition where there is no key for it, InvalidArgument where it
  // is damaged or cannot be used, saying what is wrong.
  absl::StatusOr<std::shared_ptr<const Connection>> Open(
      absl::string_view sealed);

 private:
  struct Entry {
    std::string hash;  // of what was sealed
    std::shared_ptr<const Connection> connection;
  };

  const std::unique_ptr<Seal> seal_;
  const size_t max_kept_;
  std::list<Entry> entries_;  // the last used first
  absl::flat_hash_map<std::string, std::list<Entry>::iterator> by_hash_;
};

}  // namespace lamplighter::provider
