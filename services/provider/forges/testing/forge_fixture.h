#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/async/testing/run_sync.h"
#include "common/forge/forge_location.h"
#include "common/http/testing/fake_http_client.h"
#include "common/metrics/metrics.h"
#include "common/time/testing/fake_clock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/provider/credentials.h"
#include "services/provider/forges/forge.h"
#include "services/provider/metrics.h"
#include "services/provider/set_status.h"

namespace lamplighter::provider {

inline constexpr char kSha[] = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";
inline constexpr char kToken[] = "t0ken-of-the-test";

inline v1::StatusIntent SomeIntent() {
  v1::StatusIntent intent;
  intent.set_sha(kSha);
  intent.set_context("kustomization/app/0c9c2e41");
  intent.set_state(v1::SUCCESS);
  intent.set_description("reconciliation succeeded");
  intent.set_target_url("https://example.com/app");
  return intent;
}

// A forge's class against a scripted HTTP client.
class ForgeFixture : public ::testing::Test {
 protected:
  explicit ForgeFixture(std::string provider_type)
      : provider_type_(std::move(provider_type)) {}

  // On a repository.
  ForgeCall MakeCall(const std::string& address) {
    return MakeCall(address, LocateRepository(provider_type_, address).value());
  }

  // On an account.
  ForgeCall MakeAccountCall(const std::string& address) {
    return MakeCall(address, LocateAccount(provider_type_, address).value());
  }

  ForgeCall MakeCall(const std::string& address, ForgeLocation location) {
    ForgeCall::Target target;
    target.provider_type = provider_type_;
    target.location = std::move(location);
    target.access.address = address;
    target.access.credential = credential_;
    target.access.credential.token = token_;
    target.access.credential_name = "flux-system/forge";
    target.access.secrets = SecretsOf(target.access.credential);
    target.timeout = absl::Seconds(15);
    target.deadline = clock_.MonotonicNow() + absl::Seconds(20);
    return ForgeCall(std::move(target), http_, clock_, metrics_);
  }

  absl::StatusOr<SetStatusResult> Set(Forge& forge, const std::string& address,
                                      const v1::StatusIntent& intent,
                                      bool known_different = false) {
    ForgeCall call = MakeCall(address);
    auto result = RunSync(SetStatus(forge, call, intent, known_different));
    rate_limit_ = call.rate_limit();
    return result;
  }

  absl::StatusOr<std::vector<ForgeStatus>> List(Forge& forge,
                                                const std::string& address) {
    ForgeCall call = MakeCall(address);
    return RunSync(forge.List(call, kSha));
  }

  const std::string provider_type_;
  std::string token_ = kToken;
  Credential credential_;  // with that token
  FakeClock clock_;
  FakeHttpClient http_;
  Metrics registry_;
  ProviderMetrics metrics_{registry_};
  absl::optional<ForgeRateLimit> rate_limit_;  // after the last Set()
};

}  // namespace lamplighter::provider
