#include "common/kubernetes/manifest_feed_factory.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/io_context.hpp"
#include "common/config/config_file.h"
#include "common/manifests/manifest_feed.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/dispatcher.pb.h"

namespace lamplighter {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

class ManifestFeedFactoryTest : public ::testing::Test {
 protected:
  ManifestFeedFactoryTest() {
    fs::create_directories(directory_);
    unsetenv("KUBERNETES_SERVICE_HOST");
  }

  absl::StatusOr<std::unique_ptr<ManifestFeed>> Make(const std::string& yaml) {
    config::v1::Manifests config;
    const ConfigFile file = ConfigFile::Parse(yaml, "c.yaml", config).value();
    return MakeManifestFeed(config, file,
                            {.service = "provider", .secrets = true}, loop_,
                            metrics_, clock_);
  }

  const std::string directory_ = fs::path(std::getenv("TEST_TMPDIR")) / "feeds";
  boost::asio::io_context loop_;
  Metrics metrics_;
  FakeClock clock_;
};

TEST_F(ManifestFeedFactoryTest, MakesTheFeedOfADirectory) {
  const auto feed = Make(absl::StrCat("directory: ", directory_));
  ASSERT_THAT(feed, IsOk());
  EXPECT_THAT((*feed)->Ready(), IsOk());
}

TEST_F(ManifestFeedFactoryTest, MakesTheFeedOfAClusterWhichIsReadyLater) {
  const std::string kubeconfig = absl::StrCat(directory_, "/kubeconfig");
  std::ofstream(kubeconfig)
      << "{current-context: c, contexts: [{name: c, context: {cluster: c}}], "
         "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]}";
  const auto feed = Make(absl::StrCat("kubernetes: {kubeconfig: ", kubeconfig,
                                      ", namespaces: [apps]}"));
  ASSERT_THAT(feed, IsOk());
  EXPECT_THAT((*feed)->Ready(),
              StatusIs(StatusCode::kUnavailable,
                       HasSubstr("list providers.notification.toolkit.fluxcd."
                                 "io in namespace apps: not yet")));
}

TEST_F(ManifestFeedFactoryTest, SaysWhereTheConfigurationIsWrong) {
  const auto error = [](const char* field, const char* what) {
    return StatusIs(StatusCode::kInvalidArgument,
                    AllOf(HasSubstr(absl::StrCat("provider.manifests.", field)),
                          HasSubstr(what)));
  };
  EXPECT_THAT(Make("{}"), error("directory", "must not be empty"));
  EXPECT_THAT(
      Make(absl::StrCat("directory: ", directory_, "\nkubernetes: {}\n")),
      error("kubernetes", "take one of them out"));
  EXPECT_THAT(Make("directory: /no/such"), error("directory", "/no/such"));
  EXPECT_THAT(Make("kubernetes: {}"), error("kubernetes", "name a kubeconfig"));
  EXPECT_THAT(Make("kubernetes: {kubeconfig: /no/such}"),
              error("kubernetes", "/no/such"));
  std::string many = "kubernetes: {namespaces: [";
  for (int i = 0; i < 101; ++i) absl::StrAppend(&many, "n", i, ",");
  EXPECT_THAT(Make(many + "]}"), error("kubernetes.namespaces", "at most 100"));
}

}  // namespace
}  // namespace lamplighter
