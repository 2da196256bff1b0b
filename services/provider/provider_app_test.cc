#include "services/provider/provider_app.h"

#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/app/app.h"
#include "common/app/health.h"
#include "common/config/config_file.h"
#include "common/grpc/status.h"
#include "common/http/testing/loop_thread.h"
#include "common/http/testing/test_certificate.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/config.pb.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"
#include <sys/stat.h>

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kManifests[] = R"(
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: forge, namespace: apps}
spec:
  type: github
  address: https://github.com/org/repo
  suspend: true
)";

class ProviderAppTest : public ::testing::Test {
 protected:
  ProviderAppTest()
      : directory_(absl::StrCat(
            ::testing::TempDir(), "/",
            ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    mkdir(directory_.c_str(), 0700);
    std::ofstream(directory_ + "/provider.yaml") << kManifests;
  }
  ~ProviderAppTest() override {
    loop_.Do([&] { app_.reset(); });
  }

  absl::Status Create(const std::string& yaml) {
    config_.Clear();
    file_ = std::make_unique<ConfigFile>(
        ConfigFile::Parse(yaml, "lamplighter.yaml", config_).value());
    context_ = std::make_unique<AppContext>(
        AppContext{loop_.loop(), config_, *file_, metrics_, health_,
                   Clock::System(), [](const absl::Status&) {}});
    auto app = loop_.Do([&] { return ProviderApp::Create(*context_); });
    if (app.ok()) app_ = *std::move(app);
    return app.status();
  }

  asio::awaitable<bool> StopApp() {
    co_await app_->Stop();
    co_return true;
  }

  const std::string directory_;
  LoopThread loop_;
  config::v1::Config config_;
  std::unique_ptr<ConfigFile> file_;
  Metrics metrics_;
  Health health_;
  std::unique_ptr<AppContext> context_;
  std::unique_ptr<ProviderApp> app_;
};

TEST_F(ProviderAppTest, ServesTheProvidersOfItsDirectory) {
  ASSERT_THAT(
      Create(absl::StrCat("provider:\n  listen: 127.0.0.1:0\n",
                          "  manifests: {directory: ", directory_, "}\n")),
      IsOk());
  ASSERT_THAT(loop_.Run(app_->Start()), IsOk());
  auto stub = v1::ProviderService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", app_->port()),
                          grpc::InsecureChannelCredentials()));
  v1::ListCommitStatusesRequest request;
  request.mutable_provider()->set_namespace_("apps");
  request.mutable_provider()->set_name("forge");
  request.set_sha(std::string(40, 'a'));
  v1::ListCommitStatusesResponse response;
  grpc::ClientContext context;
  context.set_deadline(
      absl::ToChronoTime(Clock::System().Now() + absl::Seconds(10)));
  EXPECT_THAT(
      FromGrpcStatus(stub->ListCommitStatuses(&context, request, &response)),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("suspended")));
  EXPECT_TRUE(loop_.Run(StopApp()));
}

TEST_F(ProviderAppTest, SaysWhereTheConfigurationIsWrong) {
  EXPECT_THAT(Create("provider:\n  types: [github]\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("lamplighter.yaml:"),
                             HasSubstr("provider.manifests.directory"))));
  EXPECT_THAT(
      Create(absl::StrCat("provider:\n  types: [sourceforge]\n",
                          "  manifests: {directory: ", directory_, "}\n")),
      StatusIs(
          StatusCode::kInvalidArgument,
          AllOf(HasSubstr("lamplighter.yaml:2"), HasSubstr("sourceforge"))));
  EXPECT_THAT(
      Create(absl::StrCat("provider:\n  forge_timeout: 0s\n",
                          "  manifests: {directory: ", directory_, "}\n")),
      StatusIs(StatusCode::kInvalidArgument,
               HasSubstr("provider.forge_timeout")));
  EXPECT_THAT(Create("provider:\n  manifests: {directory: /nowhere}\n"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("/nowhere")));
}

TEST_F(ProviderAppTest, SaysWhatTlsNeeds) {
  const auto create = [&](const std::string& rest) {
    return Create(absl::StrCat(
        "provider:\n  manifests: {directory: ", directory_, "}\n", rest));
  };
  EXPECT_THAT(create("  client_names: [dispatcher]\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("lamplighter.yaml:3"),
                             HasSubstr("client_names: needs provider.tls"))));
  const TestCertificate certificate = MakeTestCertificate();
  std::ofstream(directory_ + "/tls.crt") << certificate.certificate_pem;
  std::ofstream(directory_ + "/tls.key") << certificate.key_pem;
  const std::string pair =
      absl::StrCat("  tls: {cert_file: ", directory_,
                   "/tls.crt, key_file: ", directory_, "/tls.key");
  EXPECT_THAT(create(pair + "}\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("lamplighter.yaml:3: provider.tls"),
                             HasSubstr("needs client_ca_file"))));
  EXPECT_THAT(create(absl::StrCat(pair, ", client_ca_file: ", directory_,
                                  "/tls.crt}\n  listen: 0.0.0.0:0\n")),
              IsOk());
}

TEST_F(ProviderAppTest, SaysWhereAKeyCannotBeUsed) {
  const std::string keys = directory_ + "/keys";
  const std::string yaml =
      absl::StrCat("provider:\n  seal_key_file: ", keys,
                   "\n  manifests: {directory: ", directory_, "}\n");
  std::ofstream(keys) << "s3cret";
  EXPECT_THAT(
      Create(yaml),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("lamplighter.yaml:2: provider.seal_key_file"),
                     HasSubstr(keys + ":1: must be 32 bytes"),
                     Not(HasSubstr("s3cret")))));
  std::ofstream(keys) << "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
  EXPECT_THAT(Create(yaml), IsOk());
}

TEST_F(ProviderAppTest, SweepsOnlyWhereTheForgeDeliversAgain) {
  const auto create = [&](const std::string& type, const std::string& address,
                          const std::string& rest) {
    return Create(absl::StrCat(
        "provider:\n  listen: 127.0.0.1:0\n  manifests: {directory: ",
        directory_, "}\n  connections:\n    - name: main\n      type: ", type,
        "\n      address: ", address, "\n      secret_directory: ", directory_,
        "\n      redeliver_failed: true\n", rest));
  };
  const std::string url = "      webhook_url: https://hooks.example.com/\n";
  EXPECT_THAT(create("gitea", "https://gitea.com", url),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("provider.connections[0].redeliver_"),
                             HasSubstr("gitea has no API"))));
  EXPECT_THAT(
      create("github", "https://github.com", ""),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("needs webhook_url")));
  EXPECT_THAT(create("gitea", "https://gitea.com", url + "  types: [github]\n"),
              IsOk())
      << "another worker's";
  ASSERT_THAT(create("github", "https://github.com", url), IsOk());
  ASSERT_THAT(loop_.Run(app_->Start()), IsOk());
  EXPECT_TRUE(loop_.Run(StopApp())) << "the sweep's wait is cancelled";
}

}  // namespace
}  // namespace lamplighter::provider
