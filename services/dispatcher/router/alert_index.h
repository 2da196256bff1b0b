#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "re2/re2.h"

namespace lamplighter::dispatcher {

// Finds the Alerts that an event matches, as notification-controller does, in
// time that does not depend on how many Alerts there are.
class AlertIndex {
 public:
  using Labels = std::map<std::string, std::string>;

  // `manifests` are kept for as long as the index lives. Alerts for Providers
  // that set no commit status are left out.
  explicit AlertIndex(std::shared_ptr<const Manifests> manifests);

  // The Alerts that are not suspended, have a source for the event's object and
  // severity, and let its message through; each once, ordered by namespace and
  // name. `labels` are those of the object; null where they are not known, and
  // then no source with matchLabels matches.
  std::vector<const Alert*> Match(const v1::FluxEvent& event,
                                  const Labels* labels) const;

  // One of the Alerts that only labels can tell about: it is not among
  // `matched`, what Match() finds without labels, and would be with the right
  // ones. Null if `counts` is true for none. Looks at one Alert after the other
  // until it finds one.
  const Alert* FindUndecided(
      const v1::FluxEvent& event, absl::Span<const Alert* const> matched,
      absl::FunctionRef<bool(const Alert&)> counts) const;

  const Manifests& manifests() const { return *manifests_; }

 private:
  struct Entry {
    const Alert* alert;
    bool any_message;  // without an inclusion list
    std::vector<std::shared_ptr<const RE2>> inclusions;
    std::vector<std::shared_ptr<const RE2>> exclusions;
  };
  // A source with matchLabels.
  struct Labelled {
    size_t entry;  // index of entries_
    const Labels* wanted;
  };
  // The sources of one namespace, kind and name (or "*").
  struct Sources {
    std::vector<size_t> plain;  // without matchLabels: indices of entries_
    // With: by one of the labels that they want, "" where they want none.
    absl::flat_hash_map<std::string, std::vector<Labelled>> labelled;
  };

  void AddSources();
  // Those of the event's object by its name, and of all of its kind.
  absl::InlinedVector<const Sources*, 2> SourcesOf(
      const v1::FluxEvent& event) const;
  static bool LetsThrough(const Entry& entry, const v1::FluxEvent& event);

  const std::shared_ptr<const Manifests> manifests_;
  std::vector<Entry> entries_;  // ordered as Match() returns them
  absl::flat_hash_map<std::string, Sources> by_source_;
  bool has_labelled_ = false;  // whether any source has matchLabels
};

}  // namespace lamplighter::dispatcher
