#include "services/reposync/reposync_config.h"

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/config/config_file.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/config.pb.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// What makes a section whole, with more lines.
std::string Section(const std::string& more) {
  return absl::StrCat(
      "reposync:\n"
      "  database: sqlite:///tmp/catalog.db\n"
      "  providers: {default: \"127.0.0.1:50051\"}\n",
      more);
}

absl::StatusOr<ReposyncConfig> Read(const std::string& text) {
  config::v1::Config config;
  const auto file = ConfigFile::Parse(text, "test.yaml", config);
  if (!file.ok()) return file.status();
  return ReadReposyncConfig(config.reposync(), *file);
}

TEST(ReposyncConfigTest, TakesALeastSection) {
  const auto config = Read(Section(""));
  ASSERT_THAT(config, IsOk());
  EXPECT_FALSE(config->catalog_service.has_value());
  EXPECT_FALSE(config->json.has_value());
  EXPECT_EQ(config->seal, nullptr);
}

TEST(ReposyncConfigTest, JsonAloneIsServedToTheClientsAlone) {
  const std::string token = absl::StrCat(::testing::TempDir(), "/token");
  std::ofstream(token) << "0123456789abcdef0123456789abcdef";
  const auto config = Read(Section(
      absl::StrCat("  json_listen: 127.0.0.1:0\n"
                   "  catalog_service:\n"
                   "    clients:\n"
                   "      - {name: platform, scopes: [\"catalog:read\"], "
                   "token_files: [",
                   token, "]}\n")));
  ASSERT_THAT(config, IsOk());
  EXPECT_TRUE(config->json.has_value());
  EXPECT_THAT(config->clients.clients, SizeIs(1));
}

TEST(ReposyncConfigTest, JsonBeyondLoopbackNeedsClients) {
  EXPECT_THAT(Read(Section("  json_listen: 0.0.0.0:8081\n")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("test.yaml")));
}

TEST(ReposyncConfigTest, AnIntervalIsNeverOrAMinuteAtLeast) {
  EXPECT_THAT(Read(Section("  refresh_interval: 0s\n")), IsOk());
  EXPECT_THAT(Read(Section("  refresh_interval: 5s\n")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("test.yaml:4")));
}

TEST(ReposyncConfigTest, OneOfTwoPlacesNamesTheDatabase) {
  EXPECT_THAT(Read("reposync:\n  providers: {default: \"127.0.0.1:1\"}\n"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("database")));
  EXPECT_THAT(Read(Section("  database_file: /run/secrets/url\n")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("database")));
}

}  // namespace
}  // namespace lamplighter::reposync
