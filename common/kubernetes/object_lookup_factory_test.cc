#include "common/kubernetes/object_lookup_factory.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/io_context.hpp"
#include "common/kubernetes/object_lookup.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/dispatcher.pb.h"

namespace lamplighter {
namespace {

class ObjectLookupFactoryTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<ObjectLookup>> Make() {
    return MakeObjectLookup(config_, loop_, clock_);
  }

  config::v1::Manifests config_;
  boost::asio::io_context loop_;
  FakeClock clock_;
};

TEST_F(ObjectLookupFactoryTest, LooksUpNothingWhereManifestsAreFiles) {
  config_.set_directory("/etc/lamplighter/manifests");
  const auto lookup = Make();
  ASSERT_THAT(lookup, IsOk());
  EXPECT_EQ(*lookup, nullptr);
}

TEST_F(ObjectLookupFactoryTest, LooksUpInTheClusterOfTheManifests) {
  const std::string kubeconfig =
      std::filesystem::path(std::getenv("TEST_TMPDIR")) / "kubeconfig";
  std::ofstream(kubeconfig)
      << "{current-context: c, contexts: [{name: c, context: {cluster: c}}], "
         "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]}";
  config_.mutable_kubernetes()->set_kubeconfig(kubeconfig);
  const auto lookup = Make();
  ASSERT_THAT(lookup, IsOk());
  EXPECT_NE(*lookup, nullptr);
}

TEST_F(ObjectLookupFactoryTest, SaysWhyTheClusterCannotBeUsed) {
  config_.mutable_kubernetes()->set_kubeconfig("/no/such/file");
  EXPECT_THAT(Make(), StatusIs(absl::StatusCode::kNotFound,
                               testing::HasSubstr("/no/such/file")));
}

}  // namespace
}  // namespace lamplighter
