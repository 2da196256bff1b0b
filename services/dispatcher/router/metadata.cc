#include "services/dispatcher/router/metadata.h"

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace lamplighter::dispatcher {
namespace {

constexpr absl::string_view kAnnotationPrefix = "event.toolkit.fluxcd.io/";

// What the keys of the event's own object begin with, on this event.
std::string ObjectPrefix(const v1::FluxEvent& event) {
  bool forwarded = true;
  for (const auto& [key, value] : event.metadata()) {
    forwarded = forwarded && !absl::StrContains(key, '/');
  }
  if (forwarded) return "";
  absl::string_view group = event.involved_object().api_version();
  const size_t slash = group.find('/');
  group = slash == absl::string_view::npos ? "" : group.substr(0, slash);
  return absl::StrCat(group, "/");
}

// What kustomize-controller says at the end of a reconciliation, before and
// after it began to say so by metadata.
bool IsSuccessOfOldFlux(const v1::FluxEvent& event) {
  return event.involved_object().kind() == "Kustomization" &&
         event.reason() == "ReconciliationSucceeded" &&
         absl::StartsWith(event.message(), "Reconciliation finished in ");
}

absl::string_view Find(const v1::FluxEvent& event, absl::string_view prefix,
                       absl::string_view key) {
  const auto it = event.metadata().find(absl::StrCat(prefix, key));
  return it == event.metadata().end() ? "" : absl::string_view(it->second);
}

}  // namespace

bool IsStatusEvent(const v1::FluxEvent& event) {
  if (event.severity() != "info") return true;
  const absl::string_view mark =
      Find(event, ObjectPrefix(event), "commit_status");
  return mark == "update" ||
         !Find(event, kAnnotationPrefix, "commit").empty() ||
         (mark.empty() && IsSuccessOfOldFlux(event));
}

std::map<std::string, std::string> MergedMetadata(const v1::FluxEvent& event,
                                                  const Alert& alert) {
  const std::string prefix = ObjectPrefix(event);
  std::map<std::string, std::string> merged;
  for (const auto& [key, value] : event.metadata()) {
    absl::string_view bare = key;
    if (absl::ConsumePrefix(&bare, kAnnotationPrefix)) {
      merged[std::string(bare)] = value;
    }
  }
  for (const auto& [key, value] : alert.event_metadata) merged[key] = value;
  if (!alert.summary.empty()) merged["summary"] = alert.summary;
  for (const auto& [key, value] : event.metadata()) {
    absl::string_view bare = key;
    if (!absl::ConsumePrefix(&bare, prefix) ||
        absl::StartsWith(key, kAnnotationPrefix)) {
      continue;
    }
    // Keys that only ever told events of one object apart.
    if (bare == "token" || absl::EqualsIgnoreCase(bare, "checksum") ||
        absl::EqualsIgnoreCase(bare, "digest")) {
      continue;
    }
    merged[std::string(bare)] = value;
  }
  return merged;
}

}  // namespace lamplighter::dispatcher
