#pragma once

#include <memory>
#include <utility>

#include "common/manifests/manifest_source.h"
#include "common/manifests/objects.h"

namespace lamplighter::provider {

// Objects that a test adds by hand.
class FakeManifests final : public ManifestSource {
 public:
  std::shared_ptr<const Manifests> Current() const override {
    return manifests_;
  }

  void Add(Provider provider) {
    Change([&](Manifests& manifests) {
      const ObjectName name(provider.namespace_, provider.name);
      manifests.providers[name] = std::move(provider);
    });
  }
  void Add(Secret secret) {
    Change([&](Manifests& manifests) {
      const ObjectName name(secret.namespace_, secret.name);
      manifests.secrets[name] = std::move(secret);
    });
  }

 private:
  template <typename F>
  void Change(F change) {
    auto manifests = std::make_shared<Manifests>(*manifests_);
    change(*manifests);
    manifests_ = std::move(manifests);
  }

  std::shared_ptr<const Manifests> manifests_ =
      std::make_shared<const Manifests>();
};

}  // namespace lamplighter::provider
