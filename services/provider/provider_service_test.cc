#include "services/provider/provider_service.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/grpc_server.h"
#include "common/grpc/retry_info.h"
#include "common/grpc/status.h"
#include "common/http/testing/fake_http_client.h"
#include "common/http/testing/loop_thread.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"
#include "services/provider/account_worker.h"
#include "services/provider/connections.h"
#include "services/provider/forge_jobs.h"
#include "services/provider/status_worker.h"
#include "services/provider/testing/fake_manifests.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::absl::StatusCode;
using ::testing::_;

// The service on a loop of its own, called over loopback.
class ProviderServiceTest : public ::testing::Test {
 protected:
  ProviderServiceTest() {
    manifests_.Add(Secret{"apps", "token", {{"token", "s3cret-token"}}});
    Provider provider;
    provider.namespace_ = "apps";
    provider.name = "forge";
    provider.type = "github";
    provider.address = "https://github.com/org/repo";
    provider.secret_ref = "token";
    manifests_.Add(provider);
    http_.When("GET", _).Return(Reply(200, R"({"statuses":[]})"));
    http_.When("POST", _).Return(Reply(201, R"({"id":1})"));
    jobs_ = ForgeJobs::Create({}, {manifests_, connections_}, http_,
                              Clock::System(), metrics_)
                .value();
    statuses_ = std::make_unique<StatusWorker>(*jobs_);
    accounts_ = std::make_unique<AccountWorker>(*jobs_);
    service_ =
        std::make_unique<ProviderService>(*statuses_, *accounts_, loop_.loop());
    server_ =
        GrpcServer::Create({.listen = "127.0.0.1:0"}, {service_.get()}).value();
    stub_ = v1::ProviderService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()),
                            grpc::InsecureChannelCredentials()));
  }
  ~ProviderServiceTest() override { loop_.Run(StopServer()); }

  asio::awaitable<bool> StopServer() {
    co_await server_->Stop(absl::Seconds(5));
    co_return true;
  }

  static v1::SetCommitStatusRequest Request() {
    v1::SetCommitStatusRequest request;
    v1::StatusIntent& intent = *request.mutable_intent();
    intent.mutable_provider()->set_namespace_("apps");
    intent.mutable_provider()->set_name("forge");
    intent.set_repository_id("github.com/org/repo");
    intent.set_sha("5394cb7f48332b2de7c17dd8b8384bbc84b7e738");
    intent.set_context("ctx");
    intent.set_state(v1::SUCCESS);
    return request;
  }

  absl::Status Set(v1::SetCommitStatusResponse& response,
                   absl::Duration timeout = absl::Seconds(10)) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(Clock::System().Now() + timeout));
    return FromGrpcStatus(
        stub_->SetCommitStatus(&context, Request(), &response));
  }

  LoopThread loop_;
  FakeManifests manifests_;
  FakeHttpClient http_;  // scripted before calls, used on the loop
  Metrics metrics_;
  Connections connections_;
  std::unique_ptr<ForgeJobs> jobs_;
  std::unique_ptr<StatusWorker> statuses_;
  std::unique_ptr<AccountWorker> accounts_;
  std::unique_ptr<ProviderService> service_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<v1::ProviderService::Stub> stub_;
};

TEST_F(ProviderServiceTest, SetsAStatus) {
  v1::SetCommitStatusResponse response;
  ASSERT_THAT(Set(response), IsOk());
  EXPECT_TRUE(response.written());
  EXPECT_EQ(response.forge_id(), "1");
}

TEST_F(ProviderServiceTest, ListsStatuses) {
  http_.When("GET", _).Return(Reply(
      200, R"({"statuses":[{"id":3,"context":"ctx","state":"success"}]})"));
  v1::ListCommitStatusesRequest request;
  *request.mutable_provider() = Request().intent().provider();
  request.set_sha(Request().intent().sha());
  v1::ListCommitStatusesResponse response;
  grpc::ClientContext context;
  context.set_deadline(
      absl::ToChronoTime(Clock::System().Now() + absl::Seconds(10)));
  ASSERT_THAT(
      FromGrpcStatus(stub_->ListCommitStatuses(&context, request, &response)),
      IsOk());
  ASSERT_EQ(response.statuses_size(), 1);
  EXPECT_EQ(response.statuses(0).state(), v1::SUCCESS);
}

TEST_F(ProviderServiceTest, GetsTheProvidersRepositoryAndListsConnections) {
  http_.When("GET", _).Return(Reply(
      200, R"({"id":3,"name":"r","full_name":"o/r","owner":{"login":"o"}})"));
  v1::GetRepositoryRequest request;
  *request.mutable_account()->mutable_provider() =
      Request().intent().provider();
  v1::GetRepositoryResponse response;
  grpc::ClientContext context;
  context.set_deadline(
      absl::ToChronoTime(Clock::System().Now() + absl::Seconds(10)));
  ASSERT_THAT(
      FromGrpcStatus(stub_->GetRepository(&context, request, &response)),
      IsOk());
  EXPECT_EQ(response.repository().forge_id(), "3");
  v1::ListConnectionsResponse connections;
  grpc::ClientContext another;
  another.set_deadline(
      absl::ToChronoTime(Clock::System().Now() + absl::Seconds(10)));
  ASSERT_THAT(
      FromGrpcStatus(stub_->ListConnections(&another, {}, &connections)),
      IsOk());
  EXPECT_EQ(connections.connections_size(), 0);
}

TEST_F(ProviderServiceTest, CarriesHowLongALimitLasts) {
  http_.When("GET", _).Return(Reply(403, "", {{"Retry-After", "100"}}));
  v1::SetCommitStatusResponse response;
  const absl::Status status = Set(response);
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(100));
}

TEST_F(ProviderServiceTest, GivesTheForgeTheCallersTimeAtMost) {
  v1::SetCommitStatusResponse response;
  ASSERT_THAT(Set(response, absl::Seconds(5)), IsOk());
  const absl::Duration timeout =
      loop_.Do([&] { return http_.calls().front().timeout; });
  EXPECT_LE(timeout, absl::Seconds(6));  // gRPC rounds up on its way
  EXPECT_GT(timeout, absl::ZeroDuration());
}

}  // namespace
}  // namespace lamplighter::provider
