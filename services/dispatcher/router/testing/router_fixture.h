#pragma once

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "common/manifests/manifest_source.h"
#include "common/manifests/objects.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/dispatcher/router/router.h"

namespace lamplighter::dispatcher {

inline constexpr char kSha[] = "731f7eaddfb6af01cb2173e18f0f75b0ba780ef1";

// Manifests that a test changes as it goes.
class FixedManifests final : public ManifestSource {
 public:
  std::shared_ptr<const Manifests> Current() const override {
    return std::make_shared<const Manifests>(manifests);
  }
  Manifests manifests;
};

// A router with an Alert for one Provider, and the success of a Kustomization
// that it matches.
class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    Provider& provider = AddProvider("github-status");
    provider.type = "github";
    provider.address = "https://github.com/Acme/Fleet";
    provider.uid = "0c9c2e41-d2f9";
    AddAlert("alert", "github-status");

    event_.set_id("event-1");
    event_.set_cluster("prod");
    v1::ObjectReference& object = *event_.mutable_involved_object();
    object.set_kind("Kustomization");
    object.set_namespace_("flux-system");
    object.set_name("apps");
    object.set_api_version("kustomize.toolkit.fluxcd.io/v1");
    event_.set_severity("info");
    event_.set_reason("ReconciliationSucceeded");
    event_.set_message("Reconciliation finished in 1.2s");
    event_.mutable_timestamp()->set_seconds(1000);
    event_.mutable_received_at()->set_seconds(2000);
    SetMetadata("commit_status", "update");
    SetMetadata("revision", std::string("main@sha1:") + kSha);
  }
  Provider& AddProvider(const std::string& name) {
    Provider& provider = source_.manifests.providers[{"flux-system", name}];
    provider.namespace_ = "flux-system";
    provider.name = name;
    return provider;
  }
  Alert& AddAlert(const std::string& name, const std::string& provider) {
    Alert& alert = source_.manifests.alerts[{"flux-system", name}];
    alert.namespace_ = "flux-system";
    alert.name = name;
    alert.provider_ref = provider;
    alert.event_sources = {
        {"Kustomization", "flux-system", "*", absl::nullopt}};
    return alert;
  }
  Provider& TheProvider() {
    return source_.manifests.providers.at({"flux-system", "github-status"});
  }
  void SetMetadata(const std::string& key, const std::string& value) {
    (*event_.mutable_metadata())["kustomize.toolkit.fluxcd.io/" + key] = value;
  }
  void Fail() {
    event_.set_severity("error");
    event_.set_reason("HealthCheckFailed");
    event_.set_message("timeout waiting for: [Deployment/web]");
  }

  FixedManifests source_;
  v1::FluxEvent event_;
  Router router_{{}, source_};
};

}  // namespace lamplighter::dispatcher
