#include "services/dispatcher/router/alert_index.h"

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
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

// No label holds one either.
std::string LabelKey(absl::string_view name, absl::string_view value) {
  return absl::StrCat(name, "\n", value);
}

bool HasAll(const AlertIndex::Labels& labels,
            const AlertIndex::Labels& wanted) {
  return std::includes(labels.begin(), labels.end(), wanted.begin(),
                       wanted.end());
}

bool ComesBefore(const Alert* a, const Alert* b) {
  return std::tie(a->namespace_, a->name) < std::tie(b->namespace_, b->name);
}

// An Alert for one of a type like slack is not ours.
bool MaySetStatuses(const Alert& alert, const Manifests& manifests) {
  if (manifests.other_providers.contains(
          {alert.namespace_, alert.provider_ref})) {
    return false;
  }
  const Provider* provider =
      manifests.FindProvider(alert.namespace_, alert.provider_ref);
  return provider == nullptr || !provider->suspend;
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
    if (alert.suspend || !MaySetStatuses(alert, *manifests_)) continue;
    entries_.push_back({.alert = &alert,
                        .any_message = alert.inclusion_list.empty(),
                        .inclusions = Compile(alert.inclusion_list),
                        .exclusions = Compile(alert.exclusion_list)});
  }
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) {
              return ComesBefore(a.alert, b.alert);
            });
  AddSources();
}

void AlertIndex::AddSources() {
  // How many sources want a label: the rarest tells most.
  absl::flat_hash_map<std::string, int> wanted;
  for (const Entry& entry : entries_) {
    for (const EventSource& source : entry.alert->event_sources) {
      if (!source.match_labels) continue;
      for (const auto& [name, value] : *source.match_labels) {
        ++wanted[LabelKey(name, value)];
      }
    }
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    for (const EventSource& source : entries_[i].alert->event_sources) {
      Sources& sources =
          by_source_[SourceKey(source.namespace_, source.kind, source.name)];
      if (!source.match_labels) {
        sources.plain.push_back(i);
        continue;
      }
      has_labelled_ = true;
      std::string rarest;
      for (const auto& [name, value] : *source.match_labels) {
        std::string key = LabelKey(name, value);
        if (rarest.empty() || wanted[key] < wanted[rarest]) {
          rarest = std::move(key);
        }
      }
      sources.labelled[rarest].push_back({i, &*source.match_labels});
    }
  }
}

std::vector<const Alert*> AlertIndex::Match(const v1::FluxEvent& event,
                                            const Labels* labels) const {
  std::vector<size_t> indices;
  for (const Sources* sources : SourcesOf(event)) {
    indices.insert(indices.end(), sources->plain.begin(), sources->plain.end());
    if (labels == nullptr || sources->labelled.empty()) continue;
    const auto add = [&](const std::string& key) {
      const auto found = sources->labelled.find(key);
      if (found == sources->labelled.end()) return;
      for (const Labelled& source : found->second) {
        if (HasAll(*labels, *source.wanted)) indices.push_back(source.entry);
      }
    };
    add("");
    for (const auto& [name, value] : *labels) add(LabelKey(name, value));
  }
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());

  std::vector<const Alert*> alerts;
  for (const size_t i : indices) {
    if (LetsThrough(entries_[i], event)) alerts.push_back(entries_[i].alert);
  }
  return alerts;
}

const Alert* AlertIndex::FindUndecided(
    const v1::FluxEvent& event, absl::Span<const Alert* const> matched,
    absl::FunctionRef<bool(const Alert&)> counts) const {
  if (!has_labelled_) return nullptr;
  for (const Sources* sources : SourcesOf(event)) {
    for (const auto& [key, labelled] : sources->labelled) {
      for (const Labelled& source : labelled) {
        const Entry& entry = entries_[source.entry];
        if (LetsThrough(entry, event) && counts(*entry.alert) &&
            !std::binary_search(matched.begin(), matched.end(), entry.alert,
                                &ComesBefore)) {
          return entry.alert;
        }
      }
    }
  }
  return nullptr;
}

absl::InlinedVector<const AlertIndex::Sources*, 2> AlertIndex::SourcesOf(
    const v1::FluxEvent& event) const {
  const v1::ObjectReference& object = event.involved_object();
  absl::InlinedVector<const Sources*, 2> sources;
  for (const absl::string_view name :
       {absl::string_view(object.name()), absl::string_view("*")}) {
    const auto it =
        by_source_.find(SourceKey(object.namespace_(), object.kind(), name));
    if (it != by_source_.end()) sources.push_back(&it->second);
  }
  return sources;
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
