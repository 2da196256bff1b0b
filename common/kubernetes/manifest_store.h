#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "boost/json/object.hpp"
#include "common/manifests/objects.h"

namespace lamplighter {

// The Flux objects that an API server told of, one by one. An object that is
// invalid is logged, counted, and leaves its last valid form in force. On the
// loop only.
class ManifestStore {
 public:
  // Takes over an object of `kind` (Provider, Alert, Secret) and API version
  // `api_version`, which the items of some lists lack. Its name; empty for what
  // has none, which is logged and passed over.
  ObjectName Put(const std::string& kind, const std::string& api_version,
                 boost::json::object object);

  // It is gone.
  void Remove(const std::string& kind, const ObjectName& object);

  // Of the objects of `kind` in `namespace_` (all if empty), only those named
  // are left.
  void KeepOnly(const std::string& kind, const std::string& namespace_,
                const absl::flat_hash_set<ObjectName>& left);

  // All that is in force now; the same one until something changes.
  std::shared_ptr<const Manifests> Snapshot();

  // Objects that are invalid as they stand in the cluster.
  size_t invalid() const { return invalid_.size(); }

 private:
  using Key = std::pair<std::string, ObjectName>;  // kind and name

  void TakeOver(const std::string& kind, const ObjectName& name,
                Manifests parsed);
  void Forget(const std::string& kind, const ObjectName& name);

  Manifests now_;
  std::shared_ptr<const Manifests> snapshot_;  // null once `now_` has changed
  // What was said of objects, so that it is logged once: kind and name to text.
  std::map<Key, std::string> told_;
  absl::flat_hash_set<Key> invalid_;
};

}  // namespace lamplighter
