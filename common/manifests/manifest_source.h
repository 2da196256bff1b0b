#pragma once

#include <memory>

#include "common/manifests/objects.h"

namespace lamplighter {

// Where Flux objects come from. On the loop only.
class ManifestSource {
 public:
  virtual ~ManifestSource() = default;

  // The objects in force now; never null. Hold it for as long as one piece of
  // work takes, and ask again for the next.
  virtual std::shared_ptr<const Manifests> Current() const = 0;
};

}  // namespace lamplighter
