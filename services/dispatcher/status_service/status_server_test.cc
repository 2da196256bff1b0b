#include "services/dispatcher/status_service/status_server.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/grpc/grpc_channel.h"
#include "common/grpc/grpc_server.h"
#include "common/grpc/serve_unary.h"
#include "common/http/testing/loop_thread.h"
#include "common/http/testing/test_certificate.h"
#include "common/kafka/kafka_producer.h"
#include "common/kafka/testing/mock_kafka_test.h"
#include "common/kafka/topic_names.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "common/time/proto_time.h"
#include "common/tracing/tracer.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"
#include "proto/lamplighter/v1/status_service.grpc.pb.h"
#include "services/dispatcher/provider_workers.h"

namespace lamplighter::dispatcher {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kWriter[] = "token-of-the-writer";
constexpr char kReader[] = "token-of-the-reader";
constexpr char kRepository[] = "github.com/acme/fleet";
const std::string& Sha() {
  static const std::string sha(40, 'a');
  return sha;
}

class OneProvider final : public ManifestSource {
 public:
  OneProvider() {
    Manifests manifests;
    Provider& provider = manifests.providers[{"apps", "fleet"}];
    provider.namespace_ = "apps";
    provider.name = "fleet";
    provider.type = "github";
    provider.address = "https://github.com/acme/fleet";
    manifests_ = std::make_shared<const Manifests>(std::move(manifests));
  }
  std::shared_ptr<const Manifests> Current() const override {
    return manifests_;
  }

 private:
  std::shared_ptr<const Manifests> manifests_;
};

// A provider worker whose forge shows one status, or that refuses.
class Worker final : public v1::ProviderService::CallbackService {
 public:
  explicit Worker(asio::io_context& loop) : executor_(loop.get_executor()) {}

  grpc::ServerUnaryReactor* ListCommitStatuses(
      grpc::CallbackServerContext* /*context*/,
      const v1::ListCommitStatusesRequest* request,
      v1::ListCommitStatusesResponse* response) override {
    return ServeUnary(executor_, Answer(*request, response));
  }

  absl::Status error;  // to be set on the loop

 private:
  asio::awaitable<absl::Status> Answer(v1::ListCommitStatusesRequest request,
                                       v1::ListCommitStatusesResponse* answer) {
    v1::CommitStatus& status = *answer->add_statuses();
    status.set_context("web");
    status.set_description(
        absl::StrCat(request.repository_id(), "@", request.sha()));
    co_return error;
  }

  const asio::any_io_executor executor_;
};

class StatusServerTest : public MockKafkaTest {
 protected:
  StatusServerTest() {
    for (const char* topic : {kStatusIntentsTopic, kStatusOutcomesTopic,
                              kDeadLettersTopic, kDeadLetterMarksTopic}) {
      EXPECT_THAT(broker_->CreateTopic(topic, 2), IsOk());
    }
    worker_server_ =
        GrpcServer::Create({.listen = "127.0.0.1:0"}, {&worker_}).value();
    workers_ = std::make_unique<ProviderWorkers>(
        ProviderChannels{
            {"default",
             MakeChannel(absl::StrCat("127.0.0.1:", worker_server_->port()))}},
        manifests_);
    server_ = thread_.Do([this] {
      auto server =
          StatusServer::Create(Options(), *workers_, manifests_, thread_.loop(),
                               Clock::System(), metrics_, Tracer())
              .value();
      EXPECT_THAT(server->Start(), IsOk());
      return server;
    });
    grpc::SslCredentialsOptions ssl;
    ssl.pem_root_certs = certificate_.certificate_pem;
    stub_ = v1::StatusService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()),
                            grpc::SslCredentials(ssl)));
  }
  ~StatusServerTest() override {
    thread_.Run(server_->Stop(absl::ZeroDuration()));
    thread_.Run(worker_server_->Stop(absl::ZeroDuration()));
    thread_.Do([this] {
      server_.reset();
      return 0;
    });
  }

  static std::string Write(const std::string& name, const std::string& text) {
    const std::string path =
        absl::StrCat(std::getenv("TEST_TMPDIR"), "/status-server-", name);
    std::ofstream(path) << text;
    return path;
  }

  StatusServer::Options Options() {
    StatusServer::Options options;
    options.kafka = Kafka();
    options.server.server.listen = "127.0.0.1:0";
    options.server.server.tls = {{Write("cert", certificate_.certificate_pem),
                                  Write("key", certificate_.key_pem), ""}};
    options.server.clients.clients = {
        {.name = "writer",
         .scopes = {"*"},
         .tokens = {{Write("writer", kWriter), ""}}},
        {.name = "reader",
         .scopes = {"statuses:read"},
         .tokens = {{Write("reader", kReader), ""}}}};
    return options;
  }

  // For a call with a token.
  static std::unique_ptr<grpc::ClientContext> With(const char* token) {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(
        absl::ToChronoTime(Clock::System().Now() + absl::Seconds(20)));
    if (token != nullptr) {
      context->AddMetadata("authorization", absl::StrCat("Bearer ", token));
    }
    return context;
  }

  static v1::SetStatusRequest Request() {
    v1::SetStatusRequest request;
    request.mutable_provider()->set_namespace_("apps");
    request.mutable_provider()->set_name("fleet");
    request.set_sha(Sha());
    request.set_context("web");
    request.set_state(v1::SUCCESS);
    return request;
  }

  void Produce(const std::string& topic, const std::string& value) {
    KafkaProducer::Options options;
    options.kafka = Kafka();
    auto producer = KafkaProducer::Create(options, loop_);
    ASSERT_THAT(producer, IsOk());
    (*producer)->Produce({topic, kRepository, value, {}},
                         [](const absl::StatusOr<RecordPosition>& result) {
                           EXPECT_THAT(result, IsOk());
                         });
    ASSERT_TRUE(Run((*producer)->Flush(kLimit)));
  }

  void ProduceOutcome(const std::string& intent) {
    v1::StatusOutcome outcome;
    outcome.mutable_intent()->set_id(intent);
    outcome.set_result(v1::StatusOutcome::SET);
    Produce(kStatusOutcomesTopic, outcome.SerializeAsString());
  }

  const TestCertificate certificate_ = MakeTestCertificate();
  Metrics metrics_;
  OneProvider manifests_;
  LoopThread thread_;
  Worker worker_{thread_.loop()};
  std::unique_ptr<GrpcServer> worker_server_;
  std::unique_ptr<ProviderWorkers> workers_;
  std::unique_ptr<StatusServer> server_;
  std::unique_ptr<v1::StatusService::Stub> stub_;
};

TEST_F(StatusServerTest, AnIntentIsInKafkaOnceItWasAnsweredFor) {
  ::testing::internal::CaptureStderr();
  const auto context = With(kWriter);
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  context->AddMetadata("traceparent",
                       absl::StrCat("00-", trace, "-00f067aa0ba902b7-01"));
  v1::SetStatusResponse response;
  const grpc::Status status =
      stub_->SetCommitStatus(context.get(), Request(), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto records = Records(kStatusIntentsTopic);
  ASSERT_THAT(records, SizeIs(1));
  v1::StatusIntent intent;
  ASSERT_TRUE(intent.ParseFromString(records[0].record.value));
  EXPECT_EQ(intent.id(), response.intent_id());
  EXPECT_EQ(intent.client(), "writer");
  EXPECT_EQ(records[0].record.key, kRepository);
  EXPECT_THAT(FindHeader(records[0].record, "traceparent").value_or(""),
              HasSubstr(trace));
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("client=writer"));
  EXPECT_THAT(log, Not(HasSubstr(kWriter)));
  EXPECT_THAT(metrics_.Text(), HasSubstr("method=\"SetCommitStatus\""));
}

TEST_F(StatusServerTest, RefusesWhoIsNotKnownOrMayNot) {
  v1::SetStatusResponse response;
  EXPECT_EQ(stub_->SetCommitStatus(With(nullptr).get(), Request(), &response)
                .error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(stub_
                ->SetCommitStatus(With("not-a-token-at-all").get(), Request(),
                                  &response)
                .error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(stub_->SetCommitStatus(With(kReader).get(), Request(), &response)
                .error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  v1::ListDeadLettersResponse listed;
  EXPECT_EQ(
      stub_->ListDeadLetters(With(kReader).get(), {}, &listed).error_code(),
      grpc::StatusCode::PERMISSION_DENIED);
  const auto context = With(nullptr);
  const auto stream = stub_->WatchOutcomes(context.get(), {});
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(Records(kStatusIntentsTopic), SizeIs(0));
}

TEST_F(StatusServerTest, TellsWhatTheForgeShows) {
  v1::GetCommitStatusRequest request;
  *request.mutable_provider() = Request().provider();
  request.set_sha(Sha());
  request.set_context("web");
  v1::GetCommitStatusResponse response;
  const grpc::Status status =
      stub_->GetCommitStatus(With(kReader).get(), request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.status().description(),
            absl::StrCat(kRepository, "@", Sha()));
  request.set_context("db");
  EXPECT_EQ(stub_->GetCommitStatus(With(kReader).get(), request, &response)
                .error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(StatusServerTest, AForgeThatRefusesTheProviderDoesNotRefuseTheClient) {
  thread_.Do([this] {
    worker_.error = absl::UnauthenticatedError("401: Bad credentials");
    return 0;
  });
  v1::ListStatusesRequest request;
  *request.mutable_provider() = Request().provider();
  request.set_sha(Sha());
  v1::ListStatusesResponse response;
  const grpc::Status status =
      stub_->ListCommitStatuses(With(kReader).get(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("401: Bad credentials"));
}

TEST_F(StatusServerTest, TellsOutcomesAndGoesOnWhereAClientWas) {
  v1::WatchOutcomesResponse answer;
  std::string token;
  {
    const auto context = With(kReader);
    const auto stream = stub_->WatchOutcomes(context.get(), {});
    ASSERT_TRUE(stream->Read(&answer));
    EXPECT_FALSE(answer.has_outcome());
    ProduceOutcome("1");
    ASSERT_TRUE(stream->Read(&answer));
    EXPECT_EQ(answer.outcome().intent().id(), "1");
    token = answer.resume_token();
    context->TryCancel();
    stream->Finish();
  }
  ProduceOutcome("2");
  v1::WatchOutcomesRequest request;
  request.set_resume_token(token);
  const auto context = With(kReader);
  const auto stream = stub_->WatchOutcomes(context.get(), request);
  do {
    ASSERT_TRUE(stream->Read(&answer));
  } while (!answer.has_outcome());
  EXPECT_EQ(answer.outcome().intent().id(), "2");
  context->TryCancel();
  stream->Finish();
}

TEST_F(StatusServerTest, AStopEndsStreamsSoThatTheyResume) {
  const auto context = With(kReader);
  const auto stream = stub_->WatchOutcomes(context.get(), {});
  v1::WatchOutcomesResponse answer;
  ASSERT_TRUE(stream->Read(&answer));
  auto stopped = thread_.Start(server_->Stop(absl::Seconds(15)));
  EXPECT_FALSE(stream->Read(&answer));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  stopped.get();
}

TEST_F(StatusServerTest, ReplaysADeadLetterOnce) {
  v1::DeadLetter letter;
  letter.set_reason(v1::DeadLetter::REJECTED);
  letter.mutable_intent()->set_id("event-1");
  letter.mutable_intent()->set_repository_id(kRepository);
  letter.set_original_topic(kStatusIntentsTopic);
  *letter.mutable_given_up_at() = ToProto(Clock::System().Now());
  Produce(kDeadLettersTopic, letter.SerializeAsString());

  v1::ListDeadLettersRequest request;
  request.mutable_filter()->mutable_since()->set_seconds(3600);
  v1::ListDeadLettersResponse listed;
  const grpc::Status status =
      stub_->ListDeadLetters(With(kWriter).get(), request, &listed);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(listed.dead_letters_size(), 1);
  v1::ReplayDeadLettersRequest replay;
  replay.mutable_filter()->add_ids(listed.dead_letters(0).id());
  for (const int replayed : {1, 0}) {
    v1::ReplayDeadLettersResponse response;
    ASSERT_TRUE(
        stub_->ReplayDeadLetters(With(kWriter).get(), replay, &response).ok());
    EXPECT_EQ(response.replayed_size(), replayed);
  }
  EXPECT_THAT(Records(kStatusIntentsTopic), SizeIs(1));
  ASSERT_TRUE(stub_->ListDeadLetters(With(kWriter).get(), {}, &listed).ok());
  EXPECT_EQ(listed.dead_letters_size(), 0);
}

}  // namespace
}  // namespace lamplighter::dispatcher
