#include "services/provider/status_worker.h"

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/async/testing/run_sync.h"
#include "common/grpc/retry_info.h"
#include "common/http/testing/fake_http_client.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/connections.h"
#include "services/provider/forge_jobs.h"
#include "services/provider/testing/fake_manifests.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kSha[] = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";

class StatusWorkerTest : public ::testing::Test {
 protected:
  StatusWorkerTest() {
    manifests_.Add(Secret{"apps", "token", {{"token", "s3cret-token"}}});
    AddProvider("forge", "https://github.com/Org/Repo");
    http_.When("GET", _).Return(Reply(200, R"({"statuses":[]})"));
    http_.When("POST", _).Return(Reply(201, R"({"id":1})",
                                       {{"X-RateLimit-Limit", "5000"},
                                        {"X-RateLimit-Remaining", "99"},
                                        {"X-RateLimit-Reset", "1700000900"}}));
    Serve({});
  }

  static Provider MakeProvider(const std::string& name,
                               const std::string& address) {
    Provider provider;
    provider.namespace_ = "apps";
    provider.name = name;
    provider.type = "github";
    provider.address = address;
    provider.secret_ref = "token";
    return provider;
  }
  void AddProvider(const std::string& name, const std::string& address) {
    manifests_.Add(MakeProvider(name, address));
  }

  void Serve(const std::vector<std::string>& types) {
    worker_.reset();
    jobs_ = ForgeJobs::Create({.types = types}, {manifests_, connections_},
                              http_, clock_, metrics_)
                .value();
    worker_ = std::make_unique<StatusWorker>(*jobs_);
  }

  static v1::SetCommitStatusRequest Request(
      const std::string& provider = "forge",
      const std::string& repository = "github.com/org/repo") {
    v1::SetCommitStatusRequest request;
    v1::StatusIntent& intent = *request.mutable_intent();
    intent.mutable_provider()->set_namespace_("apps");
    intent.mutable_provider()->set_name(provider);
    intent.set_repository_id(repository);
    intent.set_sha(kSha);
    intent.set_context("ctx");
    intent.set_state(v1::SUCCESS);
    return request;
  }

  absl::StatusOr<v1::SetCommitStatusResponse> Set(
      const v1::SetCommitStatusRequest& request = Request(),
      absl::Time deadline = absl::InfiniteFuture()) {
    return RunSync(worker_->Set(request, deadline));
  }

  FakeManifests manifests_;
  FakeHttpClient http_;
  FakeClock clock_;
  Metrics metrics_;
  Connections connections_;
  std::unique_ptr<ForgeJobs> jobs_;
  std::unique_ptr<StatusWorker> worker_;
};

TEST_F(StatusWorkerTest, SetsAStatusAndTellsTheQuota) {
  const auto response = Set();
  ASSERT_THAT(response, IsOk());
  EXPECT_TRUE(response->written());
  EXPECT_EQ(response->forge_id(), "1");
  EXPECT_EQ(response->rate_limit().limit(), 5000);
  EXPECT_EQ(response->rate_limit().remaining(), 99);
  EXPECT_EQ(response->rate_limit().resets_at().seconds(), 1'700'000'900);
}

TEST_F(StatusWorkerTest, WritesNothingWhereTheSameIsShown) {
  http_.When("GET", _).Return(Reply(
      200, R"({"statuses":[{"id":3,"context":"ctx","state":"success"}]})"));
  EXPECT_FALSE(Set()->written());
  v1::SetCommitStatusRequest request = Request();
  request.set_known_different(true);
  EXPECT_TRUE(Set(request)->written());
}

TEST_F(StatusWorkerTest, KnowsOnlyTheProvidersThatThereAre) {
  EXPECT_THAT(Set(Request("other")),
              StatusIs(StatusCode::kNotFound, HasSubstr("apps/other")));
}

TEST_F(StatusWorkerTest, LeavesSuspendedProvidersAlone) {
  Provider provider = MakeProvider("forge", "https://github.com/org/repo");
  provider.suspend = true;
  manifests_.Add(provider);
  EXPECT_THAT(
      Set(), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("suspended")));
}

TEST_F(StatusWorkerTest, ServesOnlyTheTypesItIsToldTo) {
  Serve({"gitea"});
  EXPECT_THAT(Set(), StatusIs(StatusCode::kFailedPrecondition,
                              HasSubstr("type github")));
  EXPECT_TRUE(http_.calls().empty());
}

TEST_F(StatusWorkerTest, RefusesTypesThatThereAreNot) {
  EXPECT_THAT(
      ForgeJobs::Create({.types = {"sourceforge"}}, {manifests_, connections_},
                        http_, clock_, metrics_),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("github, gitea")));
}

TEST_F(StatusWorkerTest, AnEventNeverChoosesTheRepository) {
  for (const char* repository :
       {"github.com/org/other", "evil.example.com/org/repo", ""}) {
    EXPECT_THAT(Set(Request("forge", repository)),
                StatusIs(StatusCode::kInvalidArgument));
  }
  EXPECT_TRUE(http_.calls().empty());
}

TEST_F(StatusWorkerTest, ASecretsAddressIsUsedWhicheverOfBothIsMeant) {
  manifests_.Add(
      Secret{"apps",
             "token",
             {{"token", "s3cret"}, {"address", "https://ghe.acme.org/o/r"}}});
  EXPECT_THAT(Set(Request("forge", "ghe.acme.org/o/r")), IsOk());
  EXPECT_THAT(Set(Request("forge", "github.com/org/repo")), IsOk());
  for (const HttpCall& call : http_.calls()) {
    EXPECT_THAT(call.url, StartsWith("https://ghe.acme.org/api/v3/"));
  }
}

TEST_F(StatusWorkerTest, RefusesAddressesThatNameNoRepository) {
  AddProvider("forge", "https://github.com/org");
  EXPECT_THAT(Set(), StatusIs(StatusCode::kInvalidArgument));
  AddProvider("forge", "github.com/org/repo");
  EXPECT_THAT(Set(), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(StatusWorkerTest, RefusesShortAndMisspelledShas) {
  for (const char* sha :
       {"", "5394cb7", "main", "5394CB7F48332B2DE7C17DD8B8384BBC84B7E738",
        "5394cb7f48332b2de7c17dd8b8384bbc84b7e7/8"}) {
    v1::SetCommitStatusRequest request = Request();
    request.mutable_intent()->set_sha(sha);
    EXPECT_THAT(Set(request), StatusIs(StatusCode::kInvalidArgument)) << sha;
  }
}

TEST_F(StatusWorkerTest, ALimitedCredentialIsLeftAloneUntilItsTime) {
  http_.When("GET", _)
      .Return(Reply(403, "", {{"Retry-After", "100"}}))
      .Then(Reply(200, R"({"statuses":[]})"));
  EXPECT_THAT(Set(), StatusIs(StatusCode::kResourceExhausted));
  clock_.Advance(absl::Seconds(40));
  const absl::Status status = Set().status();
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted,
                               HasSubstr("apps/token")));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(60));
  EXPECT_EQ(http_.calls().size(), 1);
  clock_.Advance(absl::Seconds(60));
  EXPECT_THAT(Set(), IsOk());
}

TEST_F(StatusWorkerTest, ProvidersWithTheSameCredentialShareItsLimit) {
  AddProvider("second", "https://github.com/org/second");
  http_.When("GET", HasSubstr("/Org/Repo/"))
      .Return(Reply(403, "", {{"Retry-After", "100"}}));
  EXPECT_THAT(Set(), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(Set(Request("second", "github.com/org/second")),
              StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(http_.calls().size(), 1);
}

TEST_F(StatusWorkerTest, ANewCredentialIsNotLimited) {
  http_.When("GET", _)
      .Return(Reply(403, "", {{"Retry-After", "100"}}))
      .Then(Reply(200, R"({"statuses":[]})"));
  EXPECT_THAT(Set(), StatusIs(StatusCode::kResourceExhausted));
  manifests_.Add(Secret{"apps", "token", {{"token", "rotated"}}});
  EXPECT_THAT(Set(), IsOk());
}

TEST_F(StatusWorkerTest, TheLastRequestOfAWindowIsKnownToBeTheLast) {
  http_.When("POST", _).Return(Reply(201, R"({"id":1})",
                                     {{"X-RateLimit-Limit", "60"},
                                      {"X-RateLimit-Remaining", "0"},
                                      {"X-RateLimit-Reset", "1700000300"}}));
  EXPECT_THAT(Set(), IsOk());
  const absl::Status status = Set().status();
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(300));
}

TEST_F(StatusWorkerTest, KeepsToTheCallersTimeAndTheProviders) {
  EXPECT_THAT(Set(Request(), clock_.Now() + absl::Seconds(4)), IsOk());
  EXPECT_EQ(http_.calls().back().timeout, absl::Seconds(4));
  Provider provider = MakeProvider("forge", "https://github.com/org/repo");
  provider.timeout = absl::Seconds(3);
  manifests_.Add(provider);
  EXPECT_THAT(Set(), IsOk());
  EXPECT_EQ(http_.calls().back().timeout, absl::Seconds(3));
}

TEST_F(StatusWorkerTest, ListsWhatACommitShows) {
  http_.When("GET", _).Return(
      Reply(200, R"({"statuses":[{"id":3,"context":"ctx","state":"failure",)"
                 R"("description":"d","target_url":"https://t",)"
                 R"("updated_at":"2026-11-21T09:00:00Z"}]})"));
  v1::ListCommitStatusesRequest request;
  *request.mutable_provider() = Request().intent().provider();
  request.set_sha(kSha);
  const auto response = RunSync(worker_->List(request, absl::InfiniteFuture()));
  ASSERT_THAT(response, IsOk());
  ASSERT_EQ(response->statuses_size(), 1);
  const v1::CommitStatus& status = response->statuses(0);
  EXPECT_EQ(status.context(), "ctx");
  EXPECT_EQ(status.state(), v1::FAILURE);
  EXPECT_EQ(status.forge_state(), "failure");
  EXPECT_EQ(status.description(), "d");
  EXPECT_EQ(status.target_url(), "https://t");
  EXPECT_EQ(status.updated_at().seconds(), 1'795'251'600);
  EXPECT_EQ(status.forge_id(), "3");
}

}  // namespace
}  // namespace lamplighter::provider
