// Spans of calls: from the caller's metadata to the requests that forges get.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/grpc_server.h"
#include "common/grpc/rpc_span.h"
#include "common/grpc/status.h"
#include "common/http/testing/fake_http_client.h"
#include "common/http/testing/loop_thread.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "common/tracing/testing/fake_span_sink.h"
#include "common/tracing/tracer.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"
#include "services/provider/account_worker.h"
#include "services/provider/connections.h"
#include "services/provider/forge_jobs.h"
#include "services/provider/provider_service.h"
#include "services/provider/status_worker.h"
#include "services/provider/testing/fake_manifests.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::testing::_;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kMethod[] = "lamplighter.v1.ProviderService/SetCommitStatus";
constexpr char kSampled[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kNotSampled[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

// The service on a loop of its own, called over loopback.
class ProviderTracingTest : public ::testing::Test {
 protected:
  ProviderTracingTest() {
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
    service_ = std::make_unique<ProviderService>(
        *statuses_, *accounts_, loop_.loop(), tracer_.For("provider"));
    server_ =
        GrpcServer::Create({.listen = "127.0.0.1:0"}, {service_.get()}).value();
    stub_ = v1::ProviderService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()),
                            grpc::InsecureChannelCredentials()));
  }
  ~ProviderTracingTest() override { loop_.Run(StopServer()); }

  asio::awaitable<bool> StopServer() {
    co_await server_->Stop(absl::Seconds(5));
    co_return true;
  }

  // Sets a status as a part of the journey.
  absl::Status Set(const char* traceparent) {
    v1::SetCommitStatusRequest request;
    v1::StatusIntent& intent = *request.mutable_intent();
    intent.mutable_provider()->set_namespace_("apps");
    intent.mutable_provider()->set_name("forge");
    intent.set_repository_id("github.com/org/repo");
    intent.set_sha("5394cb7f48332b2de7c17dd8b8384bbc84b7e738");
    intent.set_context("ctx");
    intent.set_state(v1::SUCCESS);
    v1::SetCommitStatusResponse response;
    grpc::ClientContext context;
    context.set_deadline(
        absl::ToChronoTime(Clock::System().Now() + absl::Seconds(10)));
    context.AddMetadata("traceparent", traceparent);
    return FromGrpcStatus(stub_->SetCommitStatus(&context, request, &response));
  }

  std::vector<TakenSpan> Spans() {
    return loop_.Do([this] { return sink_.spans(); });
  }

  LoopThread loop_;
  FakeManifests manifests_;
  FakeHttpClient http_;  // scripted before calls, used on the loop
  Metrics metrics_;
  Connections connections_;
  FakeSpanSink sink_;  // used on the loop
  const Tracer tracer_{sink_, Clock::System(), /*ratio=*/1};
  std::unique_ptr<ForgeJobs> jobs_;
  std::unique_ptr<StatusWorker> statuses_;
  std::unique_ptr<AccountWorker> accounts_;
  std::unique_ptr<ProviderService> service_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<v1::ProviderService::Stub> stub_;
};

TEST_F(ProviderTracingTest, ACallLeadsFromItsCallerToTheForge) {
  ASSERT_THAT(Set(kSampled), IsOk());
  const std::vector<TakenSpan> spans = Spans();
  ASSERT_THAT(spans, SizeIs(3));
  const otlp::Span& server = spans[2].span;
  EXPECT_EQ(server.name(), kMethod);
  EXPECT_EQ(server.kind(), otlp::Span::SPAN_KIND_SERVER);
  EXPECT_EQ(absl::BytesToHexString(server.parent_span_id()),
            "00f067aa0ba902b7");
  EXPECT_EQ(spans[2].Find("rpc.system"), "grpc");
  EXPECT_EQ(spans[2].Find("rpc.service"), "lamplighter.v1.ProviderService");
  EXPECT_EQ(spans[2].Find("rpc.method"), "SetCommitStatus");
  EXPECT_EQ(spans[2].Find("rpc.grpc.status_code"), "0");
  EXPECT_EQ(spans[0].span.name(), "GET");
  EXPECT_EQ(spans[1].span.name(), "POST");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(spans[i].service, "provider");
    EXPECT_EQ(spans[i].span.trace_id(), server.trace_id());
    EXPECT_EQ(spans[i].span.parent_span_id(), server.span_id());
    EXPECT_EQ(spans[i].span.kind(), otlp::Span::SPAN_KIND_CLIENT);
    EXPECT_EQ(spans[i].Find("server.address"), "api.github.com");
    EXPECT_EQ(spans[i].Find("lamplighter.provider_type"), "github");
    EXPECT_THAT(spans[i].span.SerializeAsString(),
                Not(HasSubstr("s3cret-token")));
  }
  EXPECT_EQ(spans[1].Find("http.response.status_code"), "201");
}

TEST_F(ProviderTracingTest, TellsForgesNothingOfTheJourney) {
  ASSERT_THAT(Set(kSampled), IsOk());
  for (const HttpCall& call : loop_.Do([this] { return http_.calls(); })) {
    EXPECT_FALSE(call.headers.Find("traceparent").has_value());
  }
}

TEST_F(ProviderTracingTest, RecordsNothingThatTheCallerDoesNotWantRecorded) {
  ASSERT_THAT(Set(kNotSampled), IsOk());
  EXPECT_THAT(Spans(), IsEmpty());
}

TEST_F(ProviderTracingTest, WhatTheCallerDidWrongIsNoErrorOfTheServer) {
  http_.When("GET", _).Return(Reply(404));
  http_.When("POST", _).Return(Reply(404));
  EXPECT_FALSE(Set(kSampled).ok());
  const otlp::Span server = Spans().back().span;
  EXPECT_EQ(server.name(), kMethod);
  EXPECT_FALSE(server.has_status());
}

TEST_F(ProviderTracingTest, AForgeThatIsAwayIsAnErrorOfBoth) {
  http_.When("GET", _).Return(absl::UnavailableError("no connection"));
  EXPECT_FALSE(Set(kSampled).ok());
  for (const TakenSpan& taken : Spans()) {
    EXPECT_EQ(taken.span.status().code(), otlp::Status::STATUS_CODE_ERROR);
    EXPECT_EQ(taken.Find("error.type"), "UNAVAILABLE");
  }
}

TEST(RpcSpanTest, ACallTellsTheServerOfItsSpan) {
  FakeSpanSink sink;
  const Tracer tracer(sink, Clock::System(), 1);
  grpc::ClientContext context;
  Span span = BeginClientSpan(tracer, kSampled, kMethod, context);
  EXPECT_NE(span.context().ToTraceparent(), kSampled);
  EndClientSpan(span, absl::NotFoundError("no such repository"));
  ASSERT_THAT(sink.spans(), SizeIs(1));
  EXPECT_EQ(sink.spans()[0].span.kind(), otlp::Span::SPAN_KIND_CLIENT);
  EXPECT_EQ(sink.spans()[0].Find("rpc.grpc.status_code"), "5");
  EXPECT_EQ(sink.spans()[0].Find("error.type"), "NOT_FOUND");
}

}  // namespace
}  // namespace lamplighter::provider
