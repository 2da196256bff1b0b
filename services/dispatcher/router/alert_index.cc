#include "services/dispatcher/router/alert_index.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace lamplighter::dispatcher {
namespace {

std::string SourceKey(absl::string_view namespace_, absl::string_view kind,
                      absl::string_view name) {
  // No Kubernetes name holds a line break.
  return absl::StrCat(namespace_, "\n", kind, "\n", name);
}

// An expression that is not valid is left out: as an inclusion it lets nothing
// through, as an exclusion it stops nothing.
std::vector<std::shared_ptr<const RE2>> Compile(
    const std::vector<std::string>& expressions) {
  std::vector<std::shared_ptr<const RE2>> compiled;
  for (const std::string& expression : expressions) {
    auto regex = std::make_shared<const RE2>(expression, RE2::Quiet);
    if (regex->ok()) compiled.push_back(std::move(regex));
  }
  return compiled;
}

bool MatchesAny(const std::vector<std::shared_ptr<const RE2>>& expressions,
                const std::string& text) {
  return std::any_of(expressions.begin(), expressions.end(),
                     [&text](const std::shared_ptr<const RE2>& expression) {
                       return RE2::PartialMatch(text, *expression);
                     });
}

}  // namespace

AlertIndex::AlertIndex(std::shared_ptr<const Manifests> manifests)
    : manifests_(std::move(manifests)) {
  for (const auto& [name, alert] : manifests_->alerts) {
    if (alert.suspend) continue;
    entries_.push_back({.alert = &alert,
                        .any_message = alert.inclusion_list.empty(),
                        .inclusions = Compile(alert.inclusion_list),
                        .exclusions = Compile(alert.exclusion_list)});
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) {
              return std::tie(a.alert->namespace_, a.alert->name) <
                     std::tie(b.alert->namespace_, b.alert->name);
            });
  for (size_t i = 0; i < entries_.size(); ++i) {
    for (const EventSource& source : entries_[i].alert->event_sources) {
      // The labels of the object are not known here: see ManifestParser.
      if (source.match_labels.has_value()) continue;
      std::vector<size_t>& indices =
          by_source_[SourceKey(source.namespace_, source.kind, source.name)];
      if (indices.empty() || indices.back() != i) indices.push_back(i);
    }
  }
}

std::vector<const Alert*> AlertIndex::Match(const v1::FluxEvent& event) const {
  const v1::ObjectReference& object = event.involved_object();
  std::vector<size_t> indices;
  for (const absl::string_view name :
       {absl::string_view(object.name()), absl::string_view("*")}) {
    const auto it =
        by_source_.find(SourceKey(object.namespace_(), object.kind(), name));
    if (it == by_source_.end()) continue;
    indices.insert(indices.end(), it->second.begin(), it->second.end());
  }
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());

  std::vector<const Alert*> alerts;
  for (const size_t i : indices) {
    if (LetsThrough(entries_[i], event)) alerts.push_back(entries_[i].alert);
  }
  return alerts;
}

bool AlertIndex::LetsThrough(const Entry& entry, const v1::FluxEvent& event) {
  const std::string& severity = entry.alert->event_severity;
  if (severity != "info" && severity != event.severity()) return false;
  if (!entry.any_message && !MatchesAny(entry.inclusions, event.message())) {
    return false;
  }
  return !MatchesAny(entry.exclusions, event.message());
}

}  // namespace lamplighter::dispatcher
