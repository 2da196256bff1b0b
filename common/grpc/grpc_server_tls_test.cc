#include "common/grpc/grpc_server_tls.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/authenticator.h"
#include "common/grpc/grpc_server.h"
#include "common/grpc/serve_unary.h"
#include "common/grpc/testing/echo.grpc.pb.h"
#include "common/http/testing/loop_thread.h"
#include "common/http/testing/test_certificate.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;

// Answers with the name of who calls.
class WhoAmI final : public testing::Echo::CallbackService {
 public:
  WhoAmI(asio::io_context& loop, Authenticator& authenticator)
      : executor_(loop.get_executor()), authenticator_(authenticator) {}

  grpc::ServerUnaryReactor* Say(grpc::CallbackServerContext* context,
                                const testing::Msg* /*request*/,
                                testing::Msg* response) override {
    return ServeUnary(executor_, Answer(context, response));
  }

 private:
  asio::awaitable<absl::Status> Answer(grpc::CallbackServerContext* context,
                                       testing::Msg* response) {
    const auto name = authenticator_.Authorize(ProofOf(*context), "echo:say");
    if (!name.ok()) co_return name.status();
    response->set_text(*name);
    co_return absl::OkStatus();
  }

  const asio::any_io_executor executor_;
  Authenticator& authenticator_;
};

class GrpcServerTlsTest : public ::testing::Test {
 protected:
  GrpcServerTlsTest() {
    authenticator_ =
        Authenticator::Create(
            {{{.name = "by-token",
               .scopes = {"echo:say"},
               .tokens = {{Write("token", "0123456789abcdef"), ""}}},
              {.name = "by-certificate",
               .scopes = {"echo:say"},
               .certificate_name = "lamplighter test"}},
             "test"},
            Clock::System(), metrics_)
            .value();
    service_ = std::make_unique<WhoAmI>(loop_.loop(), *authenticator_);
    WriteServer(server_certificate_);
    GrpcServer::Options options;
    options.listen = "127.0.0.1:0";
    options.tls = {{Path("cert"), Path("key"),
                    Write("client-ca", client_certificate_.certificate_pem)}};
    server_ = GrpcServer::Create(options, {service_.get()}).value();
  }
  ~GrpcServerTlsTest() override {
    loop_.Run(server_->Stop(absl::ZeroDuration()));
  }

  static std::string Path(const std::string& name) {
    return absl::StrCat(std::getenv("TEST_TMPDIR"), "/grpc-tls-", name);
  }
  static std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
    return Path(name);
  }
  static void WriteServer(const TestCertificate& certificate) {
    Write("cert", certificate.certificate_pem);
    Write("key", certificate.key_pem);
  }

  // Calls over a new connection that trusts `server`.
  grpc::Status Say(const TestCertificate& server,
                   const TestCertificate* client = nullptr,
                   const std::string& token = "") {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = server.certificate_pem;
    if (client != nullptr) {
      options.pem_cert_chain = client->certificate_pem;
      options.pem_private_key = client->key_pem;
    }
    grpc::ChannelArguments own;
    own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                  grpc::SslCredentials(options), own);
    grpc::ClientContext context;
    context.set_deadline(
        absl::ToChronoTime(Clock::System().Now() + absl::Seconds(10)));
    if (!token.empty()) {
      context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
    }
    testing::Msg answer;
    const grpc::Status status =
        testing::Echo::NewStub(channel)->Say(&context, {}, &answer);
    name_ = answer.text();
    return status;
  }

  const TestCertificate server_certificate_ = MakeTestCertificate();
  const TestCertificate client_certificate_ = MakeTestCertificate();
  Metrics metrics_;
  LoopThread loop_;
  std::unique_ptr<Authenticator> authenticator_;
  std::unique_ptr<WhoAmI> service_;
  std::unique_ptr<GrpcServer> server_;
  std::string name_;  // that the last call was answered with
};

TEST_F(GrpcServerTlsTest, KnowsWhoCallsByATokenOverTls) {
  ASSERT_TRUE(Say(server_certificate_, nullptr, "0123456789abcdef").ok());
  EXPECT_EQ(name_, "by-token");
}

TEST_F(GrpcServerTlsTest, KnowsWhoCallsByACertificate) {
  const grpc::Status status = Say(server_certificate_, &client_certificate_);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(name_, "by-certificate");
}

TEST_F(GrpcServerTlsTest, RefusesWhoShowsNothing) {
  const grpc::Status status = Say(server_certificate_);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("Bearer TOKEN"));
}

TEST_F(GrpcServerTlsTest, RefusesACertificateOfAnotherAuthority) {
  // By the same name, but signed by itself.
  const TestCertificate forged = MakeTestCertificate();
  EXPECT_FALSE(Say(server_certificate_, &forged).ok());
}

TEST_F(GrpcServerTlsTest, ServesANewCertificateWithoutARestart) {
  ASSERT_TRUE(Say(server_certificate_, nullptr, "0123456789abcdef").ok());
  const TestCertificate renewed = MakeTestCertificate();
  WriteServer(renewed);
  // gRPC looks at the files by its own clock.
  const auto deadline = Clock::System().MonotonicNow() + absl::Seconds(20);
  grpc::Status status;
  do {
    status = Say(renewed, nullptr, "0123456789abcdef");
  } while (!status.ok() && Clock::System().MonotonicNow() < deadline);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace lamplighter
