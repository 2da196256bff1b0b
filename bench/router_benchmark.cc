// What routing an event costs, by how many Alerts there are of which one
// matches.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "common/manifests/manifest_source.h"
#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/dispatcher/router/router.h"
#include "services/dispatcher/router/status_text.h"

namespace lamplighter::dispatcher {
namespace {

// As many teams, each with a Provider and an Alert for its own objects.
class Teams final : public ManifestSource {
 public:
  explicit Teams(int64_t count) {
    auto manifests = std::make_shared<Manifests>();
    for (int64_t i = 0; i < count; ++i) {
      const std::string team = absl::StrCat("team-", i);
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
    }
    manifests_ = std::move(manifests);
  }

  std::shared_ptr<const Manifests> Current() const override {
    return manifests_;
  }

 private:
  std::shared_ptr<const Manifests> manifests_;
};

v1::FluxEvent Event(const std::string& team) {
  v1::FluxEvent event;
  event.set_id("0f7b1c9a2d3e4f5061728394a5b6c7d8");
  event.set_cluster("prod");
  v1::ObjectReference& object = *event.mutable_involved_object();
  object.set_kind("Kustomization");
  object.set_namespace_(team);
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

// Argument: Alerts.
void BM_Route(benchmark::State& state) {
  const Teams teams(state.range(0));
  Router router({}, teams);
  const v1::FluxEvent event = Event(absl::StrCat("team-", state.range(0) / 2));
  for (auto _ : state) {
    const Routes routes = router.Route(event);
    if (routes.intents.size() != 1) state.SkipWithError("not one status");
  }
}
BENCHMARK(BM_Route)->Arg(1)->Arg(100)->Arg(1000)->Arg(5000);

}  // namespace
}  // namespace lamplighter::dispatcher
