#include "common/kubernetes/kubernetes_manifests.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/testing/fake_sleeper.h"
#include "common/kubernetes/kubernetes_client.h"
#include "common/kubernetes/object_watch.h"
#include "common/kubernetes/testing/fake_api_server.h"
#include "common/manifests/manifest_metrics.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/counter.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string ProviderOf(const std::string& type) {
  return absl::StrCat(R"("status":{},"spec":{"type":")", type,
                      R"(","address":"https://github.com/acme/fleet"})");
}

constexpr char kAlert[] =
    R"("spec":{"providerRef":{"name":"forge"},"eventSources":)"
    R"([{"kind":"Kustomization","name":"*"}]})";

class KubernetesManifestsTest : public ::testing::Test {
 protected:
  ~KubernetesManifestsTest() override {
    if (manifests_ == nullptr) return;
    bool stopped = false;
    boost::asio::co_spawn(loop_, manifests_->Stop(),
                          [&](const std::exception_ptr&) { stopped = true; });
    Until([&] { return stopped; });
  }

  void Start() {
    manifests_ = std::make_unique<KubernetesManifests>(
        options_, loop_, *client_, sleeper_, clock_,
        ManifestMetrics(metrics_, "dispatcher"),
        WatchRestarts{.ended = ended_, .gone = gone_, .failed = failed_});
    manifests_->Start();
  }
  // Turns the loop until `condition` holds.
  void Until(const std::function<bool()>& condition) {
    while (!condition()) {
      ASSERT_EQ(loop_.run_one_for(std::chrono::seconds(10)), 1U);
    }
  }
  void UntilReady() {
    Until([this] { return manifests_->Ready().ok(); });
  }
  std::shared_ptr<const Manifests> now() { return manifests_->Current(); }

  boost::asio::io_context loop_;
  FakeApiServer api_{loop_};
  std::unique_ptr<KubernetesClient> client_ =
      KubernetesClient::Create({}, FakeApiServer::Cluster(), api_).value();
  FakeSleeper sleeper_;
  FakeClock clock_;
  Metrics metrics_;
  prometheus::Counter ended_;
  prometheus::Counter gone_;
  prometheus::Counter failed_;
  KubernetesManifests::Options options_;
  std::unique_ptr<KubernetesManifests> manifests_;
};

TEST_F(KubernetesManifestsTest, FollowsWhatHappensInTheCluster) {
  api_.Put("providers", "apps", "forge", ProviderOf("github"));
  api_.Put("alerts", "apps", "fleet", kAlert);
  Start();
  EXPECT_THAT(manifests_->Ready(), StatusIs(StatusCode::kUnavailable));
  UntilReady();
  ASSERT_NE(now()->FindProvider("apps", "forge"), nullptr);
  EXPECT_EQ(now()->FindProvider("apps", "forge")->uid, "11112222-aa");
  EXPECT_THAT(now()->alerts, SizeIs(1));
  EXPECT_THAT(metrics_.Text(),
              AllOf(HasSubstr("lamplighter_dispatcher_manifest_objects{"
                              "kind=\"alert\"} 1"),
                    HasSubstr("_manifest_last_sync_timestamp_seconds 17")));

  const auto before = now();
  api_.Put("providers", "apps", "forge", ProviderOf("gitea"));
  api_.Delete("alerts", "apps", "fleet");
  Until([&] {
    return now()->alerts.empty() &&
           now()->FindProvider("apps", "forge")->type == "gitea";
  });
  EXPECT_EQ(before->FindProvider("apps", "forge")->type, "github")
      << "what somebody holds does not change";
}

TEST_F(KubernetesManifestsTest, IsReadyOnlyOnceEverythingHasBeenListed) {
  api_.Deny("alerts");
  Start();
  bool ready = false;
  boost::asio::co_spawn(loop_, manifests_->UntilReady(),
                        [&](const std::exception_ptr&, absl::Status status) {
                          ready = status.ok();
                        });
  Until([this] {
    return absl::StrContains(manifests_->Ready().message(), "403");
  });
  EXPECT_THAT(manifests_->Ready().message(),
              AllOf(HasSubstr("list alerts.notification.toolkit.fluxcd.io in "
                              "all namespaces"),
                    HasSubstr("ClusterRole")));
  EXPECT_FALSE(ready);
  api_.Allow("alerts");
  Until([&] { return ready; });
  EXPECT_THAT(manifests_->Ready(), IsOk());
}

TEST_F(KubernetesManifestsTest, KeepsTheLastStateWhileTheServerIsAway) {
  api_.Put("providers", "apps", "forge", ProviderOf("github"));
  api_.Put("providers", "apps", "old", ProviderOf("github"));
  Start();
  UntilReady();
  Until([this] { return api_.watches() == 2; });
  api_.Fail(absl::UnavailableError("no connection"));
  Until([this] { return failed_.Value() > 10; });
  EXPECT_THAT(now()->providers, SizeIs(2));
  EXPECT_THAT(manifests_->Ready(), IsOk());

  // What happens meanwhile is seen after it, and nothing is listed for it.
  const size_t calls = api_.calls().size();
  api_.Delete("providers", "apps", "old");
  api_.Put("providers", "apps", "forge", ProviderOf("gitlab"));
  api_.Fail(absl::OkStatus());
  Until([this] {
    return now()->providers.size() == 1 &&
           now()->FindProvider("apps", "forge")->type == "gitlab";
  });
  for (size_t i = calls; i < api_.calls().size(); ++i) {
    EXPECT_THAT(api_.calls()[i], HasSubstr("watch=1"));
  }
}

TEST_F(KubernetesManifestsTest, ListsAnewWhatHappenedBeyondTheServersMemory) {
  api_.Put("providers", "apps", "forge", ProviderOf("github"));
  api_.Put("providers", "apps", "old", ProviderOf("slack"));
  api_.Put("alerts", "apps", "fleet", kAlert);
  Start();
  UntilReady();
  Until([this] { return api_.watches() == 2; });
  api_.Fail(absl::UnavailableError("no connection"));
  api_.Delete("providers", "apps", "old");
  api_.Delete("alerts", "apps", "fleet");
  api_.Compact();
  api_.Fail(absl::OkStatus());
  Until([this] {
    return now()->alerts.empty() && now()->other_providers.empty();
  });
  EXPECT_EQ(gone_.Value(), 2);
  EXPECT_THAT(now()->providers, SizeIs(1));
}

TEST_F(KubernetesManifestsTest, LeavesTheLastValidFormInForce) {
  api_.Put("providers", "apps", "forge", ProviderOf("github"));
  Start();
  UntilReady();
  api_.Put("providers", "apps", "forge", ProviderOf(""));
  Until([this] {
    return absl::StrContains(metrics_.Text(), "_manifest_invalid_objects 1");
  });
  EXPECT_EQ(now()->FindProvider("apps", "forge")->type, "github");

  // Also through a list, which tells that it is still there.
  Until([this] { return api_.watches() == 2; });
  api_.Put("alerts", "apps", "fleet", kAlert);
  api_.Compact();
  api_.DropWatches();
  Until([this] { return gone_.Value() > 0 && !now()->alerts.empty(); });
  EXPECT_EQ(now()->FindProvider("apps", "forge")->type, "github");

  api_.Delete("providers", "apps", "forge");
  Until([this] { return now()->providers.empty(); });
  EXPECT_THAT(metrics_.Text(), HasSubstr("_manifest_invalid_objects 0"));
}

TEST_F(KubernetesManifestsTest, ReadsNoMoreThanItIsToldTo) {
  options_.namespaces = {"apps", "infra"};
  api_.Put("providers", "apps", "forge", ProviderOf("github"));
  api_.Put("providers", "other", "forge", ProviderOf("github"));
  Start();
  UntilReady();
  EXPECT_THAT(now()->providers, SizeIs(1));
  for (const std::string& call : api_.calls()) {
    EXPECT_THAT(call,
                AllOf(HasSubstr("/namespaces/"), Not(HasSubstr("secrets")),
                      Not(HasSubstr("/other/"))));
  }
}

TEST_F(KubernetesManifestsTest, ReadsSecretsOnlyForWhoNeedsThem) {
  options_.alerts = false;
  options_.secrets = true;
  api_.Put("secrets", "apps", "token",
           R"("type":"Opaque","data":{"token":"Z2hwX29uZQ=="})");
  Start();
  UntilReady();
  ASSERT_NE(now()->FindSecret("apps", "token"), nullptr);
  EXPECT_EQ(now()->FindSecret("apps", "token")->Find("token"), "ghp_one");
  for (const std::string& call : api_.calls()) {
    EXPECT_THAT(call, Not(HasSubstr("alerts")));
    if (!absl::StrContains(call, "secrets")) continue;
    EXPECT_THAT(call, HasSubstr("fieldSelector=type%21%3Dhelm.sh"));
  }
}

TEST_F(KubernetesManifestsTest, TakesFiveThousandAlerts) {
  for (int i = 0; i < 5000; ++i) {
    api_.Put("alerts", "apps", absl::StrCat("alert-", i), kAlert);
  }
  Start();
  UntilReady();
  EXPECT_THAT(now()->alerts, SizeIs(5000));
  EXPECT_GE(api_.calls().size(), 20) << "page by page";
}

}  // namespace
}  // namespace lamplighter
