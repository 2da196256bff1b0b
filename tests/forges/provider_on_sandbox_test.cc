// The provider worker's calls as they really go over the wire.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/http/http_client.h"
#include "common/http/http_server.h"
#include "common/http/testing/loop_thread.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/status_worker.h"
#include "services/provider/testing/fake_manifests.h"
#include "tests/forges/scripted_github.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;

constexpr char kSha[] = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";

class ProviderOnSandboxTest : public ::testing::Test {
 protected:
  ProviderOnSandboxTest() {
    loop_.Do([&] {
      server_ = HttpServer::Create({.listen = "127.0.0.1:0"}, loop_.loop(),
                                   forge_.Routes())
                    .value();
      server_->Start();
      http_ = CurlHttpClient::Create({}, loop_.loop()).value();
    });
    AddSecret("t0ken");
    Provider provider;
    provider.namespace_ = "apps";
    provider.name = "forge";
    provider.type = "github";
    provider.address =
        absl::StrCat("http://127.0.0.1:", server_->port(), "/org/repo");
    provider.secret_ref = "token";
    provider.timeout = absl::Milliseconds(500);
    manifests_.Add(provider);
    worker_ =
        StatusWorker::Create({}, manifests_, *http_, Clock::System(), metrics_)
            .value();
  }
  ~ProviderOnSandboxTest() override {
    loop_.Do([&] {
      http_.reset();
      server_.reset();
    });
  }

  void AddSecret(const std::string& token) {
    manifests_.Add(Secret{"apps", "token", {{"token", token}}});
  }

  v1::SetCommitStatusRequest Request(v1::CommitState state) {
    v1::SetCommitStatusRequest request;
    v1::StatusIntent& intent = *request.mutable_intent();
    intent.mutable_provider()->set_namespace_("apps");
    intent.mutable_provider()->set_name("forge");
    intent.set_repository_id(
        absl::StrCat("127.0.0.1:", server_->port(), "/org/repo"));
    intent.set_sha(kSha);
    intent.set_context("kustomization/app/0c9c2e41");
    intent.set_state(state);
    intent.set_description(std::string(200, 'x'));
    return request;
  }

  absl::StatusOr<v1::SetCommitStatusResponse> Set(
      v1::CommitState state, bool known_different = false) {
    v1::SetCommitStatusRequest request = Request(state);
    request.set_known_different(known_different);
    return loop_.Run(
        worker_->Set(request, Clock::System().Now() + absl::Seconds(10)));
  }

  void Fail(const std::string& fault) {
    loop_.Do([&] {
      forge_.AddFault(Fault::Parse(fault, Clock::System().Now()).value());
    });
  }

  size_t Statuses() {
    return loop_.Do([&] { return forge_.statuses().statuses(); });
  }

  LoopThread loop_;
  ScriptedGitHub forge_{{.token = "t0ken"}, Clock::System()};
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> http_;
  FakeManifests manifests_;
  Metrics metrics_;
  std::unique_ptr<StatusWorker> worker_;
};

TEST_F(ProviderOnSandboxTest, SetsAStatusOnce) {
  const auto first = Set(v1::SUCCESS);
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(first->written());
  EXPECT_GT(first->rate_limit().remaining(), 0);
  const auto second = Set(v1::SUCCESS);
  ASSERT_THAT(second, IsOk());
  EXPECT_FALSE(second->written());
  EXPECT_EQ(second->forge_id(), first->forge_id());
  EXPECT_TRUE(Set(v1::FAILURE)->written());
  EXPECT_EQ(Statuses(), 2);
}

TEST_F(ProviderOnSandboxTest, FindsOutThatALostAnswerWasAYes) {
  Fail(R"({"hang":true,"after":true,"method":"POST","times":1})");
  const auto result = Set(v1::SUCCESS, /*known_different=*/true);
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->written());
  EXPECT_EQ(Statuses(), 1);
}

TEST_F(ProviderOnSandboxTest, AWriteThatWasNeverDoneStaysUnknown) {
  Fail(R"({"hang":true,"method":"POST","times":1})");
  EXPECT_THAT(Set(v1::SUCCESS), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(Statuses(), 0);
}

TEST_F(ProviderOnSandboxTest, KnowsAForgeInTroubleFromARefusal) {
  Fail(R"({"status":502,"times":1})");
  EXPECT_THAT(Set(v1::SUCCESS), StatusIs(StatusCode::kUnavailable));
  AddSecret("wrong");
  EXPECT_THAT(Set(v1::SUCCESS), StatusIs(StatusCode::kUnauthenticated));
  AddSecret("t0ken");
  EXPECT_THAT(Set(v1::SUCCESS), IsOk());
}

TEST_F(ProviderOnSandboxTest, SaysSoWhenACommitHasAllItWillEverHave) {
  for (int i = 0; i < 1000; ++i) {
    ASSERT_THAT(Set(v1::SUCCESS, /*known_different=*/true), IsOk());
  }
  EXPECT_THAT(Set(v1::FAILURE), StatusIs(StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace lamplighter::provider
