#include "common/grpc/grpc_client_tls.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/grpc_channel.h"
#include "common/grpc/grpc_server.h"
#include "common/grpc/grpc_server_tls.h"
#include "common/grpc/serve_unary.h"
#include "common/grpc/testing/echo.grpc.pb.h"
#include "common/http/testing/loop_thread.h"
#include "common/http/testing/test_certificate.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kOurs[] = "DNS:worker.example,IP:127.0.0.1";

class Echo final : public testing::Echo::CallbackService {
 public:
  explicit Echo(asio::io_context& loop) : executor_(loop.get_executor()) {}

  grpc::ServerUnaryReactor* Say(grpc::CallbackServerContext* /*context*/,
                                const testing::Msg* /*request*/,
                                testing::Msg* /*response*/) override {
    return ServeUnary(executor_, Answer());
  }

 private:
  static asio::awaitable<absl::Status> Answer() { co_return absl::OkStatus(); }

  const asio::any_io_executor executor_;
};

// A server that asks for certificates, and a client that shows one.
class GrpcClientTlsTest : public ::testing::Test {
 protected:
  ~GrpcClientTlsTest() override {
    if (server_ != nullptr) loop_.Run(server_->Stop(absl::ZeroDuration()));
  }

  static std::string Path(const std::string& name) {
    return absl::StrCat(std::getenv("TEST_TMPDIR"), "/", name);
  }
  static std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }
  static void WritePair(const std::string& name,
                        const TestCertificate& certificate) {
    Write(name + ".crt", certificate.certificate_pem);
    Write(name + ".key", certificate.key_pem);
  }

  void Serve(const TestCertificate& certificate,
             std::vector<std::string> client_names = {}) {
    WritePair("server", certificate);
    GrpcServer::Options options;
    options.listen = "127.0.0.1:0";
    options.tls = GrpcServerTls{
        .cert_file = Path("server.crt"),
        .key_file = Path("server.key"),
        .client_ca_file = Write("ca.crt", authority_.certificate_pem()),
        .requires_client = true,
        .client_names = std::move(client_names)};
    server_ = GrpcServer::Create(options, {&echo_}).value();
  }
  // Reads its files from then on.
  void Connect(const TestCertificate& certificate) {
    WritePair("client", certificate);
    const auto credentials = MakeGrpcChannelCredentials(
        {.ca_file = Write("trusted.crt", authority_.certificate_pem()),
         .cert_file = Path("client.crt"),
         .key_file = Path("client.key")});
    ASSERT_THAT(credentials, IsOk());
    channel_ =
        MakeChannel(absl::StrCat("127.0.0.1:", server_->port()), *credentials);
  }

  grpc::Status Say() {
    grpc::ClientContext context;
    context.set_deadline(
        absl::ToChronoTime(Clock::System().Now() + absl::Seconds(10)));
    testing::Msg answer;
    return testing::Echo::NewStub(channel_)->Say(&context, {}, &answer);
  }
  // What became of a call with that certificate to a server of ours.
  grpc::StatusCode SayAs(const TestCertificate& certificate) {
    Connect(certificate);
    return Say().error_code();
  }

  const TestAuthority authority_;
  LoopThread loop_;
  Echo echo_{loop_.loop()};
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(GrpcClientTlsTest, TalksToWhoIsOfTheSameAuthority) {
  Serve(authority_.Issue("worker", kOurs));
  EXPECT_EQ(SayAs(authority_.Issue("whoever")), grpc::StatusCode::OK);
}

TEST_F(GrpcClientTlsTest, IsRefusedWithoutACertificateOfTheAuthority) {
  Serve(authority_.Issue("worker", kOurs));
  EXPECT_EQ(SayAs(TestAuthority().Issue("whoever")),
            grpc::StatusCode::UNAVAILABLE);
  grpc::SslCredentialsOptions nothing_to_show;
  nothing_to_show.pem_root_certs = authority_.certificate_pem();
  channel_ = MakeChannel(absl::StrCat("127.0.0.1:", server_->port()),
                         grpc::SslCredentials(nothing_to_show));
  EXPECT_EQ(Say().error_code(), grpc::StatusCode::UNAVAILABLE) << "none at all";
  channel_ = MakeChannel(absl::StrCat("127.0.0.1:", server_->port()));
  EXPECT_EQ(Say().error_code(), grpc::StatusCode::UNAVAILABLE) << "plaintext";
}

TEST_F(GrpcClientTlsTest, IsRefusedWithoutANameThatMayCall) {
  Serve(authority_.Issue("worker", kOurs),
        {"dispatcher", "reposync.example", "spiffe://cluster/reposync"});
  EXPECT_EQ(SayAs(authority_.Issue("dispatcher")), grpc::StatusCode::OK);
  EXPECT_EQ(SayAs(authority_.Issue("x", "DNS:y,DNS:reposync.example")),
            grpc::StatusCode::OK);
  EXPECT_EQ(SayAs(authority_.Issue("x", "URI:spiffe://cluster/reposync")),
            grpc::StatusCode::OK);
  EXPECT_EQ(SayAs(authority_.Issue("x", "DNS:worker.example")),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcClientTlsTest, TrustsNoServerOfAnotherNameOrAuthority) {
  Serve(authority_.Issue("127.0.0.1", "DNS:worker.example"));
  EXPECT_EQ(SayAs(authority_.Issue("x")), grpc::StatusCode::UNAVAILABLE);
  loop_.Run(server_->Stop(absl::ZeroDuration()));
  Serve(TestAuthority().Issue("worker", kOurs));
  EXPECT_EQ(SayAs(authority_.Issue("x")), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(GrpcClientTlsTest, ShowsANewCertificateWithoutARestart) {
  Serve(authority_.Issue("worker", kOurs), {"renewed"});
  ASSERT_EQ(SayAs(authority_.Issue("old")), grpc::StatusCode::UNAVAILABLE);
  WritePair("client", authority_.Issue("renewed"));
  // gRPC looks at the files, and connects again, by its own clock.
  const auto deadline = Clock::System().MonotonicNow() + absl::Seconds(30);
  grpc::Status status;
  do {
    status = Say();
  } while (!status.ok() && Clock::System().MonotonicNow() < deadline);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(GrpcClientTlsTest, SaysWhichFileCannotBeUsed) {
  WritePair("client", authority_.Issue("x"));
  WritePair("other", authority_.Issue("y"));
  const std::string ca = Write("ca.crt", authority_.certificate_pem());
  const auto make = [&](const std::string& ca_file, const std::string& cert,
                        const std::string& key) {
    return MakeGrpcChannelCredentials({ca_file, Path(cert), Path(key)})
        .status();
  };
  EXPECT_THAT(make(ca, "client.crt", "client.key"), IsOk());
  EXPECT_THAT(make(ca, "none.crt", "client.key"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("none.crt")));
  EXPECT_THAT(make(ca, "client.crt", "other.key"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("other.key"), HasSubstr("client.crt"))));
  EXPECT_THAT(make(Path("client.key"), "client.crt", "client.key"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("client.key")));
}

}  // namespace
}  // namespace lamplighter
