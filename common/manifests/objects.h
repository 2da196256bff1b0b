#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace lamplighter {

// Namespace and name of a Kubernetes object.
using ObjectName = std::pair<std::string, std::string>;

// Where an object was read from, for people.
struct ManifestOrigin {
  std::string file;  // "kubernetes" for the API
  int line = 0;      // from 1; 0 where there are none

  // "github.yaml:12".
  std::string ToString() const {
    return line > 0 ? absl::StrCat(file, ":", line) : file;
  }
};

// A Flux Provider (notification.toolkit.fluxcd.io v1beta1 to v1beta3): where
// statuses are set. Fields are those of its spec; empty where it has none.
struct Provider {
  std::string namespace_;
  std::string name;
  // metadata.uid; where a file has none, eight digits that depend on namespace
  // and name only, so that contexts made of it stay the same.
  std::string uid;
  std::map<std::string, std::string> annotations;
  std::string type;  // github, gitea, ...
  std::string address;
  std::string username;
  std::string proxy;             // deprecated in Flux, still honoured
  std::string secret_ref;        // name of a Secret in the same namespace
  std::string cert_secret_ref;   // the same
  std::string proxy_secret_ref;  // the same
  absl::optional<absl::Duration> timeout;
  std::string commit_status_expr;  // CEL
  bool suspend = false;
  std::string json;  // the whole object, for expressions
  ManifestOrigin origin = {};

  // The value of the annotation lamplighter.dev/NAME; empty where there is
  // none.
  absl::string_view Annotation(absl::string_view name) const {
    const auto it = annotations.find(absl::StrCat("lamplighter.dev/", name));
    return it == annotations.end() ? absl::string_view() : it->second;
  }

  // The forge's own URL where the address does not tell it: a GitLab below a
  // path, an SSH address. Empty where there is none.
  absl::string_view ForgeUrl() const { return Annotation("forge-url"); }

  // The address is that of an account, and the Provider stands for all
  // repositories of it.
  bool IsAccount() const { return Annotation("account") == "true"; }
};

// One entry of an Alert's eventSources.
struct EventSource {
  std::string kind;
  std::string namespace_;  // the Alert's where the entry has none
  std::string name;        // "*" for all
  // Set, even where empty: the object itself must be looked at.
  absl::optional<std::map<std::string, std::string>> match_labels;
};

// A Flux Alert: which events go to which Provider.
struct Alert {
  std::string namespace_;
  std::string name;
  std::map<std::string, std::string> annotations;
  std::string provider_ref;  // name of a Provider in the same namespace
  std::string event_severity = "info";
  std::vector<EventSource> event_sources;
  std::vector<std::string> inclusion_list;  // RE2
  std::vector<std::string> exclusion_list;  // RE2
  std::map<std::string, std::string> event_metadata;
  std::string summary;
  bool suspend = false;
  std::string json;  // the whole object, for expressions
  ManifestOrigin origin = {};
};

// A Kubernetes Secret, decoded. Never logged.
struct Secret {
  std::string namespace_;
  std::string name;
  std::map<std::string, std::string> data;
  ManifestOrigin origin = {};

  // The value of `key`, if there is one. Lives as long as the Secret.
  absl::optional<absl::string_view> Find(const std::string& key) const {
    const auto it = data.find(key);
    if (it == data.end()) return absl::nullopt;
    return it->second;
  }
};

// All objects at one moment. Never changed once it is made, so that it can be
// shared.
struct Manifests {
  absl::flat_hash_map<ObjectName, Provider> providers;
  absl::flat_hash_map<ObjectName, Alert> alerts;
  absl::flat_hash_map<ObjectName, Secret> secrets;
  // Providers of types that set no commit status (slack, generic, ...): Alerts
  // for them are not ours.
  absl::flat_hash_set<ObjectName> other_providers;

  // The named object, or null. Lives as long as these manifests.
  const Provider* FindProvider(const std::string& namespace_,
                               const std::string& name) const {
    const auto it = providers.find(ObjectName(namespace_, name));
    return it == providers.end() ? nullptr : &it->second;
  }
  const Secret* FindSecret(const std::string& namespace_,
                           const std::string& name) const {
    const auto it = secrets.find(ObjectName(namespace_, name));
    return it == secrets.end() ? nullptr : &it->second;
  }
};

}  // namespace lamplighter
