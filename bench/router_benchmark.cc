// What routing an event costs, by how many Alerts there are of which one
// matches, and what an expression costs.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "common/manifests/manifest_source.h"
#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/dispatcher/router/commit_status_bindings.h"
#include "services/dispatcher/router/metadata.h"
#include "services/dispatcher/router/provider_rules.h"
#include "services/dispatcher/router/router.h"

namespace lamplighter::dispatcher {
namespace {

// How an Alert tells the objects of its team from others.
enum class By { kNamespace, kLabel };

// The label that all objects have, and that says nothing.
constexpr char kManager[] = "app.kubernetes.io/managed-by";

std::string Team(int64_t number) { return absl::StrCat("team-", number); }

// As many teams, each with a Provider and an Alert for its own objects.
class Teams final : public ManifestSource {
 public:
  Teams(int64_t count, By by) {
    auto manifests = std::make_shared<Manifests>();
    for (int64_t i = 0; i < count; ++i) {
      const std::string team = Team(i);
      Provider& provider = manifests->providers[{team, "forge"}];
      provider.namespace_ = team;
      provider.name = "forge";
      provider.uid = "0c9c2e41-d2f9-4f9b-ae64-e29acd8c1c38";
      provider.type = "github";
      provider.address = absl::StrCat("https://github.com/acme/", team);
      Alert& alert = manifests->alerts[{team, "fleet"}];
      alert.namespace_ = team;
      alert.name = "fleet";
      alert.provider_ref = "forge";
      alert.event_sources = {{"Kustomization", team, "*", absl::nullopt}};
      if (by == By::kLabel) {
        alert.event_sources[0].namespace_ = "flux-system";
        alert.event_sources[0].match_labels = {
            {{kManager, "flux"}, {"team", team}}};
      }
    }
    manifests_ = std::move(manifests);
  }

  std::shared_ptr<const Manifests> Current() const override {
    return manifests_;
  }

 private:
  std::shared_ptr<const Manifests> manifests_;
};

v1::FluxEvent Event(const std::string& namespace_) {
  v1::FluxEvent event;
  event.set_id("0f7b1c9a2d3e4f5061728394a5b6c7d8");
  event.set_cluster("prod");
  v1::ObjectReference& object = *event.mutable_involved_object();
  object.set_kind("Kustomization");
  object.set_namespace_(namespace_);
  object.set_name("apps");
  object.set_api_version("kustomize.toolkit.fluxcd.io/v1");
  event.set_severity("info");
  event.set_reason("ReconciliationSucceeded");
  event.set_message("Reconciliation finished in 1.2s, next run in 10m0s");
  event.mutable_timestamp()->set_seconds(1000);
  event.mutable_received_at()->set_seconds(2000);
  auto& metadata = *event.mutable_metadata();
  metadata["kustomize.toolkit.fluxcd.io/commit_status"] = "update";
  metadata["kustomize.toolkit.fluxcd.io/revision"] =
      "main@sha1:731f7eaddfb6af01cb2173e18f0f75b0ba780ef1";
  return event;
}

void Route(benchmark::State& state, const Teams& teams,
           const v1::FluxEvent& event, const KnownObject& object) {
  Router router({}, teams);
  for (auto _ : state) {
    const Routes routes = router.Route(event, object);
    if (routes.intents.size() != 1) state.SkipWithError("not one status");
  }
}

// Argument of these: Alerts.
void BM_Route(benchmark::State& state) {
  const Teams teams(state.range(0), By::kNamespace);
  Route(state, teams, Event(Team(state.range(0) / 2)), {});
}
BENCHMARK(BM_Route)->Arg(1)->Arg(100)->Arg(1000)->Arg(5000);

// All Alerts look at one namespace; the labels of the event's object are known.
void BM_RouteByLabels(benchmark::State& state) {
  const Teams teams(state.range(0), By::kLabel);
  KnownObject object;
  object.labels = std::make_shared<const AlertIndex::Labels>(AlertIndex::Labels{
      {kManager, "flux"},
      {"kustomize.toolkit.fluxcd.io/name", "flux-system"},
      {"kustomize.toolkit.fluxcd.io/namespace", "flux-system"},
      {"team", Team(state.range(0) / 2)}});
  Route(state, teams, Event("flux-system"), object);
}
BENCHMARK(BM_RouteByLabels)->Arg(1)->Arg(100)->Arg(1000)->Arg(5000);

Provider ProviderWithExpression() {
  Provider provider;
  provider.namespace_ = "flux-system";
  provider.name = "forge";
  provider.type = "github";
  provider.address = "https://github.com/acme/fleet";
  // As Flux's documentation has it.
  provider.commit_status_expr =
      "(event.involvedObject.kind + '/' + event.involvedObject.name + '/' + "
      "event.metadata.cluster + '/' + provider.metadata.uid.split('-')[0])"
      ".lowerAscii()";
  provider.json = R"({"apiVersion": "notification.toolkit.fluxcd.io/v1beta3",
      "kind": "Provider",
      "metadata": {"name": "forge", "namespace": "flux-system",
                   "uid": "0c9c2e41-d2f9-4f9b-ae64-e29acd8c1c38",
                   "labels": {"team": "a"}},
      "spec": {"type": "github", "address": "https://github.com/acme/fleet",
               "secretRef": {"name": "forge-token"}}})";
  return provider;
}

constexpr char kAlertJson[] =
    R"({"apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Alert",
      "metadata": {"name": "fleet", "namespace": "flux-system"},
      "spec": {"providerRef": {"name": "forge"}, "eventSources": [
          {"kind": "Kustomization", "name": "*"}]}})";

// What an event pays for a commitStatusExpr: its own variables, and the
// expression, which was compiled before.
void BM_Expression(benchmark::State& state) {
  const ProviderRules rules = ReadProviderRules(ProviderWithExpression());
  const auto alert = ObjectValue(kAlertJson);
  const v1::FluxEvent event = Event("flux-system");
  Alert plain;
  plain.event_metadata = {{"cluster", "prod"}};
  const std::map<std::string, std::string> metadata =
      MergedMetadata(event, plain);
  for (auto _ : state) {
    const auto value = rules.commit_status_expr->Evaluate(
        CommitStatusBindings(event, metadata, rules.object, alert));
    if (!value.ok() ||
        value->string_value() != "kustomization/apps/prod/0c9c2e41") {
      state.SkipWithError("another context");
    }
  }
}
BENCHMARK(BM_Expression);

// The expression alone.
void BM_Evaluate(benchmark::State& state) {
  const ProviderRules rules = ReadProviderRules(ProviderWithExpression());
  const CelBindings bindings =
      CommitStatusBindings(Event("flux-system"), {{"cluster", "prod"}},
                           rules.object, ObjectValue(kAlertJson));
  for (auto _ : state) {
    const auto value = rules.commit_status_expr->Evaluate(bindings);
    if (!value.ok()) state.SkipWithError("no value");
  }
}
BENCHMARK(BM_Evaluate);

// What is paid once for a Provider.
void BM_Compile(benchmark::State& state) {
  const Provider provider = ProviderWithExpression();
  for (auto _ : state) {
    const ProviderRules rules = ReadProviderRules(provider);
    if (!rules.problem.ok()) state.SkipWithError("does not compile");
  }
}
BENCHMARK(BM_Compile);

}  // namespace
}  // namespace lamplighter::dispatcher
