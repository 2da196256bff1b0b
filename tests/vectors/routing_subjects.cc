#include "tests/vectors/routing_subjects.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "boost/json/array.hpp"
#include "boost/json/serialize.hpp"
#include "common/manifests/manifest_parser.h"
#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "re2/re2.h"
#include "services/dispatcher/router/alert_index.h"
#include "services/dispatcher/router/commit_status_bindings.h"
#include "services/dispatcher/router/metadata.h"
#include "services/dispatcher/router/provider_rules.h"
#include "services/dispatcher/router/revision.h"
#include "services/dispatcher/router/status_text.h"
#include "tests/vectors/delivery.h"

namespace lamplighter::vectors {
namespace {

namespace json = ::boost::json;

constexpr char kObject[] = "object";

Answer ToAnswer(const absl::StatusOr<std::string>& result) {
  if (!result.ok()) return Refused(result.status());
  return {.value = json::string(*result)};
}

std::map<std::string, std::string> Texts(const json::object& object) {
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : object) {
    texts[std::string(key)] = Text(value);
  }
  return texts;
}

// A Flux object, read as those of a cluster are; nothing where it is not valid.
Manifests ParseObject(const std::string& kind, json::object metadata,
                      json::object spec) {
  metadata["namespace"] = "flux-system";
  metadata.emplace("name", kObject);
  const json::object object = {
      {"apiVersion", "notification.toolkit.fluxcd.io/v1beta3"},
      {"kind", kind},
      {"metadata", metadata},
      {"spec", spec}};
  Manifests manifests;
  std::vector<ManifestProblem> problems;
  ParseManifests(json::serialize(object), "vector", manifests, problems);
  return manifests;
}

// The vectors leave out whom an Alert is for, which Flux insists on.
Manifests ParseAlert(json::object spec) {
  spec["providerRef"] = json::object{{"name", "provider"}};
  return ParseObject("Alert", {}, std::move(spec));
}

}  // namespace

absl::StatusOr<Comparison> ParseRevisionSubject(const Vector& vector) {
  return Comparison{vector.flux,
                    ToAnswer(dispatcher::ParseRevision(Text(vector.in)))};
}

absl::StatusOr<Comparison> TransformRevisionSubject(const Vector& vector) {
  // As notification-controller goes on from there.
  const std::string written = Text(vector.flux.value);
  const std::string id = written.substr(written.rfind(':') + 1);
  Answer flux = {.value = json::string(id)};
  if (id.size() != 40) flux = {.error = absl::StrCat("no commit: ", written)};
  return Comparison{flux, ToAnswer(dispatcher::ParseRevision(Text(vector.in)))};
}

// The values of the vectors are no revisions: each is given an id of its own.
absl::StatusOr<Comparison> GetRevisionSubject(const Vector& vector) {
  if (!vector.in.is_object()) return absl::UnimplementedError("no metadata");
  std::map<std::string, std::string> metadata;
  std::map<std::string, std::string> values;  // by id
  for (const auto& [key, value] : Texts(vector.in.get_object())) {
    const std::string id = absl::StrFormat("%040x", values.size());
    metadata[key] = value.empty() ? "" : id;
    if (!value.empty()) values[id] = value;
  }
  const auto commit = dispatcher::CommitOf(metadata);
  const bool is_there =
      commit.ok() ||
      !absl::StrContains(commit.status().message(), "names no revision");
  const std::string value = commit.ok() ? values[*commit] : "";
  return Comparison{vector.flux, Answer{.value = json::array{value, is_there}}};
}

absl::StatusOr<Comparison> DefaultCommitStatusSubject(const Vector& vector) {
  const json::array* in = vector.in.if_array();
  if (in == nullptr || in->size() != 3) {
    return absl::UnimplementedError("the input is not uid, kind and name");
  }
  Provider provider;
  provider.uid = Text((*in)[0]);
  v1::ObjectReference object;
  object.set_kind(Text((*in)[1]));
  object.set_name(Text((*in)[2]));
  return Comparison{vector.flux,
                    ToAnswer(dispatcher::DefaultContext(object, provider))};
}

absl::StatusOr<Comparison> CommitStatusExprSubject(const Vector& vector) {
  // What the vectors were made with, as far as they tell.
  const Manifests providers =
      ParseObject("Provider", {{"name", "github-status"}},
                  {{"type", "github"},
                   {"address", "https://github.com/o/r"},
                   {"commitStatusExpr", json::string(Text(vector.in))}});
  const Manifests alerts = ParseObject(
      "Alert", {{"name", "al"}, {"labels", json::object{{"env", "prod"}}}},
      {{"providerRef", json::object{{"name", "github-status"}}}});
  if (providers.providers.empty() || alerts.alerts.empty()) {
    return absl::UnimplementedError("the objects are not valid");
  }
  v1::FluxEvent event =
      MakeEvent("apps", "info", "ReconciliationSucceeded", {});
  event.set_message("msg");
  const Provider& provider = providers.providers.begin()->second;
  const Alert& alert = alerts.alerts.begin()->second;

  const dispatcher::ProviderRules rules =
      dispatcher::ReadProviderRules(provider);
  if (!rules.problem.ok()) {
    return Comparison{vector.flux, Refused(rules.problem)};
  }
  if (rules.commit_status_expr == nullptr) {
    return absl::UnimplementedError("the input has no expression");
  }
  const auto value =
      rules.commit_status_expr->Evaluate(dispatcher::CommitStatusBindings(
          event,
          {{"cluster", "prod-1"},
           {"foo", "bar"},
           {"revision", absl::StrCat("main@sha1:", kSha)}},
          rules.object, dispatcher::ObjectValue(alert.json)));
  if (!value.ok()) {
    return Comparison{vector.flux, Refused(value.status())};
  }
  return Comparison{vector.flux,
                    Answer{.value = json::string(value->string_value())}};
}

absl::StatusOr<Comparison> MetadataSubject(const Vector& vector) {
  const Manifests manifests = ParseAlert(Object(vector.in, "alert"));
  if (manifests.alerts.empty()) {
    return absl::UnimplementedError("the Alert is not valid");
  }
  Answer flux = vector.flux;
  if (flux.value.is_null()) flux.value.emplace_object();  // Go's empty map
  v1::FluxEvent event = MakeEvent("app", "info", "reason", {});
  event.clear_metadata();
  for (const auto& [key, value] : Texts(Object(vector.in, "event.metadata"))) {
    (*event.mutable_metadata())[key] = value;
  }
  json::object merged;
  for (const auto& [key, value] :
       dispatcher::MergedMetadata(event, manifests.alerts.begin()->second)) {
    merged[key] = value;
  }
  return Comparison{flux, Answer{.value = std::move(merged)}};
}

absl::StatusOr<Comparison> AlertMatchSubject(const Vector& vector) {
  static const auto* const description =
      new RE2(R"re((?s)(\w+)/([^/]*)/(\S*) sev=(\S*) msg="(.*)")re");
  v1::FluxEvent event;
  v1::ObjectReference& object = *event.mutable_involved_object();
  std::string message;
  if (!RE2::FullMatch(Text(vector.in, "event"), *description,
                      object.mutable_kind(), object.mutable_namespace_(),
                      object.mutable_name(), event.mutable_severity(),
                      &message) ||
      !absl::CUnescape(message, event.mutable_message())) {
    return absl::UnimplementedError("the event is described in another way");
  }
  object.set_api_version("kustomize.toolkit.fluxcd.io/v1");
  json::object spec = Object(vector.in, "alert(ns=flux-system)");
  // An empty map is lost where Go writes JSON; the case still tells of it.
  json::array* sources = spec["eventSources"].if_array();
  if (sources != nullptr &&
      absl::StrContains(Text(vector.in, "case"), "matchLabels empty map")) {
    for (json::value& source : *sources) {
      if (source.is_object())
        source.get_object()["matchLabels"].emplace_object();
    }
  }
  Manifests manifests = ParseAlert(std::move(spec));
  const dispatcher::AlertIndex index(
      std::make_shared<const Manifests>(std::move(manifests)));
  // What the vectors were made with, as far as they tell: one object with a
  // label, and others that are not there.
  static const auto* const labels =
      new dispatcher::AlertIndex::Labels{{"team", "a"}};
  return Comparison{
      vector.flux,
      Answer{.value =
                 !index.Match(event, object.name() == "app" ? labels : nullptr)
                      .empty()}};
}

}  // namespace lamplighter::vectors
