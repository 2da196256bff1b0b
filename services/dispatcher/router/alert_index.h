#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "re2/re2.h"

namespace lamplighter::dispatcher {

// Finds the Alerts that an event matches, as notification-controller does, in
// time that does not depend on how many Alerts there are.
class AlertIndex {
 public:
  // `manifests` are kept for as long as the index lives.
  explicit AlertIndex(std::shared_ptr<const Manifests> manifests);

  // The Alerts that are not suspended, have a source for the event's object and
  // severity, and let its message through; each once, ordered by namespace and
  // name.
  std::vector<const Alert*> Match(const v1::FluxEvent& event) const;

  const Manifests& manifests() const { return *manifests_; }

 private:
  struct Entry {
    const Alert* alert;
    bool any_message;  // without an inclusion list
    std::vector<std::shared_ptr<const RE2>> inclusions;
    std::vector<std::shared_ptr<const RE2>> exclusions;
  };

  static bool LetsThrough(const Entry& entry, const v1::FluxEvent& event);

  const std::shared_ptr<const Manifests> manifests_;
  std::vector<Entry> entries_;  // ordered as Match() returns them
  // Namespace, kind and name (or "*") of a source -> indices of entries_.
  absl::flat_hash_map<std::string, std::vector<size_t>> by_source_;
};

}  // namespace lamplighter::dispatcher
