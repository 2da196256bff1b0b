#include "common/kubernetes/manifest_store.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "boost/json/serialize.hpp"
#include "boost/json/value.hpp"
#include "common/kubernetes/json.h"
#include "common/log/log.h"
#include "common/manifests/manifest_parser.h"

namespace lamplighter {
namespace {

namespace json = boost::json;

constexpr char kOrigin[] = "kubernetes";

// Takes out what nobody reads and makes up most of an object, its Secrets'
// earlier values included.
void Slim(json::object& object) {
  object.erase("status");
  json::value* metadata = object.if_contains("metadata");
  if (metadata == nullptr || !metadata->is_object()) return;
  metadata->get_object().erase("managedFields");
  json::value* annotations = metadata->get_object().if_contains("annotations");
  if (annotations == nullptr || !annotations->is_object()) return;
  annotations->get_object().erase(
      "kubectl.kubernetes.io/last-applied-configuration");
}

}  // namespace

ObjectName ManifestStore::Put(const std::string& kind,
                              const std::string& api_version,
                              json::object object) {
  const ObjectName name(TextAt(object, {"metadata", "namespace"}),
                        TextAt(object, {"metadata", "name"}));
  if (name.second.empty()) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "an object without a name");
    return {};
  }
  Slim(object);
  object["kind"] = kind;
  object["apiVersion"] = api_version;
  Manifests parsed;
  std::vector<ManifestProblem> problems;
  ParseManifests(json::serialize(object), kOrigin, parsed, problems);
  const auto forget_lines = [](auto& objects) {
    for (auto& [name, parsed_object] : objects) parsed_object.origin.line = 0;
  };
  forget_lines(parsed.providers);  // all of it is one line
  forget_lines(parsed.alerts);
  forget_lines(parsed.secrets);

  std::string told;
  for (ManifestProblem& problem : problems) {
    problem.origin.line = 0;
    absl::StrAppend(&told, told.empty() ? "" : "; ", problem.ToString());
  }
  const bool valid = std::all_of(
      problems.begin(), problems.end(),
      [](const ManifestProblem& problem) { return problem.is_note; });
  const Key key(kind, name);
  if (std::string& before = told_[key]; before != told) {
    before = told;
    if (!valid) {
      LAMPLIGHTER_LOG(kWarning, "manifest").With("problem", told);
    } else if (!told.empty()) {
      LAMPLIGHTER_LOG(kInfo, "manifest").With("note", told);
    }
  }
  if (told.empty()) told_.erase(key);
  if (valid) {
    invalid_.erase(key);
    TakeOver(kind, name, std::move(parsed));
  } else {
    invalid_.insert(key);
  }
  return name;
}

void ManifestStore::TakeOver(const std::string& kind, const ObjectName& name,
                             Manifests parsed) {
  Forget(kind, name);
  now_.providers.merge(parsed.providers);
  now_.alerts.merge(parsed.alerts);
  now_.secrets.merge(parsed.secrets);
  now_.other_providers.merge(parsed.other_providers);
  snapshot_ = nullptr;
}

void ManifestStore::Remove(const std::string& kind, const ObjectName& object) {
  told_.erase({kind, object});
  invalid_.erase({kind, object});
  Forget(kind, object);
  snapshot_ = nullptr;
}

void ManifestStore::Forget(const std::string& kind, const ObjectName& name) {
  if (kind == "Alert") now_.alerts.erase(name);
  if (kind == "Secret") now_.secrets.erase(name);
  if (kind != "Provider") return;
  now_.providers.erase(name);
  now_.other_providers.erase(name);
}

void ManifestStore::KeepOnly(const std::string& kind,
                             const std::string& namespace_,
                             const absl::flat_hash_set<ObjectName>& left) {
  std::vector<ObjectName> gone;
  const auto look = [&](const ObjectName& name) {
    if ((namespace_.empty() || name.first == namespace_) &&
        !left.contains(name)) {
      gone.push_back(name);
    }
  };
  if (kind == "Alert") {
    for (const auto& [name, alert] : now_.alerts) look(name);
  } else if (kind == "Secret") {
    for (const auto& [name, secret] : now_.secrets) look(name);
  } else {
    for (const auto& [name, provider] : now_.providers) look(name);
    for (const ObjectName& name : now_.other_providers) look(name);
  }
  // Those that never were valid.
  for (const Key& key : invalid_) {
    if (key.first == kind) look(key.second);
  }
  for (const ObjectName& name : gone) Remove(kind, name);
}

std::shared_ptr<const Manifests> ManifestStore::Snapshot() {
  if (snapshot_ == nullptr) snapshot_ = std::make_shared<const Manifests>(now_);
  return snapshot_;
}

}  // namespace lamplighter
