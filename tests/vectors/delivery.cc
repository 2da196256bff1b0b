#include "tests/vectors/delivery.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/async/testing/run_sync.h"
#include "common/forge/forge_location.h"
#include "common/http/testing/fake_http_client.h"
#include "common/manifests/manifest_source.h"
#include "common/manifests/objects.h"
#include "common/metrics/metrics.h"
#include "common/status/macros.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/dispatcher/router/router.h"
#include "services/provider/connections.h"
#include "services/provider/forge_jobs.h"
#include "services/provider/forges/forges.h"
#include "services/provider/forges/testing/forge_wires.h"
#include "services/provider/status_worker.h"

namespace lamplighter::vectors {
namespace {

constexpr char kNamespace[] = "flux-system";
constexpr char kName[] = "provider";
constexpr char kPrefix[] = "kustomize.toolkit.fluxcd.io/";

class FixedManifests final : public ManifestSource {
 public:
  explicit FixedManifests(const Target& target) {
    auto made = std::make_shared<Manifests>();
    Provider& provider = made->providers[{kNamespace, kName}];
    provider.namespace_ = kNamespace;
    provider.name = kName;
    provider.uid = "0c9c2e41-d2f9-4f9b-9c41-bebc1984d67a";
    provider.annotations = target.annotations;
    provider.type = target.type;
    provider.address = target.address;
    provider.secret_ref = kName;
    provider.commit_status_expr = target.commit_status_expr;
    made->secrets[{kNamespace, kName}] = {kNamespace, kName, target.secret};
    Alert& alert = made->alerts[{kNamespace, kName}];
    alert.namespace_ = kNamespace;
    alert.name = kName;
    alert.provider_ref = kName;
    alert.event_sources = {{"Kustomization", kNamespace, "*", absl::nullopt}};
    manifests_ = std::move(made);
  }

  std::shared_ptr<const Manifests> Current() const override {
    return manifests_;
  }

 private:
  std::shared_ptr<const Manifests> manifests_;
};

// Sets the statuses by a provider worker whose forge answers as that type does.
absl::StatusOr<std::vector<HttpCall>> SetStatuses(
    const Target& target, const FixedManifests& manifests,
    const std::vector<v1::StatusIntent>& intents) {
  const provider::Wire* wire = provider::FindWire(target.type);
  if (wire == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("nobody knows how ", target.type, " answers"));
  }
  FakeHttpClient http;
  http.When("GET", testing::_).Return(wire->list(target.shown));
  http.When("POST", testing::_).Return(wire->created());
  FakeClock clock;
  Metrics metrics;
  provider::Connections connections;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::unique_ptr<provider::ForgeJobs> jobs,
      provider::ForgeJobs::Create({}, {manifests, connections}, http, clock,
                                  metrics));
  provider::StatusWorker worker(*jobs);
  for (const v1::StatusIntent& intent : intents) {
    v1::SetCommitStatusRequest request;
    *request.mutable_intent() = intent;
    const auto response =
        RunSync(worker.Set(std::move(request), absl::InfiniteFuture()));
    LAMPLIGHTER_RETURN_IF_ERROR(response.status());
  }
  std::vector<HttpCall> writes = http.calls();
  writes.erase(
      std::remove_if(writes.begin(), writes.end(),
                     [](const HttpCall& call) { return call.method == "GET"; }),
      writes.end());
  return writes;
}

}  // namespace

Target MakeTarget(const std::string& type, const std::string& path) {
  Target target = {.type = type,
                   .address = absl::StartsWith(path, "/")
                                  ? absl::StrCat(kForge, path)
                                  : path,
                   .secret = {{"token", type == "bitbucket" ? "u:p" : "tok"}}};
  return target;
}

std::string SomePath(const std::string& type) {
  if (type == "azuredevops") return "/org/proj/_git/repo";
  if (type == "bitbucketserver") return "/scm/foo/bar.git";
  return "/o/r";
}

v1::FluxEvent MakeEvent(const std::string& name, const std::string& severity,
                        const std::string& reason,
                        const std::map<std::string, std::string>& metadata) {
  v1::FluxEvent event;
  event.set_id("event");
  v1::ObjectReference& object = *event.mutable_involved_object();
  object.set_api_version("kustomize.toolkit.fluxcd.io/v1");
  object.set_kind("Kustomization");
  object.set_namespace_(kNamespace);
  object.set_name(name);
  event.set_severity(severity);
  event.set_reason(reason);
  event.set_message("not for statuses");
  auto& fields = *event.mutable_metadata();
  for (const auto& [key, value] : metadata) {
    fields[absl::StrCat(kPrefix, key)] = value;
  }
  // The vectors begin where notification-controller has let the event through.
  fields[absl::StrCat(kPrefix, "commit_status")] = "update";
  return event;
}

absl::StatusOr<std::vector<HttpCall>> Deliver(const Target& target,
                                              const v1::FluxEvent& event) {
  const FixedManifests manifests(target);
  dispatcher::Router router(
      {.description = dispatcher::DescriptionStyle::kFlux}, manifests);
  const dispatcher::Routes routes = router.Route(event);
  for (const v1::DeadLetter& letter : routes.dead_letters) {
    return absl::FailedPreconditionError(letter.detail());
  }
  return SetStatuses(target, manifests, routes.intents);
}

absl::StatusOr<std::vector<HttpCall>> Deliver(const Target& target,
                                              v1::StatusIntent intent) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string repository,
                               RepositoryId(target.type, target.address));
  intent.mutable_provider()->set_namespace_(kNamespace);
  intent.mutable_provider()->set_name(kName);
  intent.set_repository_id(repository);
  intent.set_sha(kSha);
  return SetStatuses(target, FixedManifests(target), {std::move(intent)});
}

std::unique_ptr<provider::Forge> MakeForge(absl::string_view type) {
  for (const provider::ForgeFactory& factory : provider::AllForges()) {
    if (factory.provider_type == type) return factory.make();
  }
  return nullptr;
}

}  // namespace lamplighter::vectors
