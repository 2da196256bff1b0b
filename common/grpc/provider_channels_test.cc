#include "common/grpc/provider_channels.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/config/config_file.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/config.pb.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::UnorderedElementsAre;

absl::StatusOr<ProviderChannels> Read(const std::string& section) {
  config::v1::Config config;
  const auto file = ConfigFile::Parse(absl::StrCat("reposync:\n", section),
                                      "lamplighter.yaml", config);
  if (!file.ok()) return file.status();
  const config::v1::Reposync& reposync = config.reposync();
  return ReadProviderChannels(
      reposync.providers(),
      reposync.has_providers_tls() ? &reposync.providers_tls() : nullptr, *file,
      "reposync");
}

TEST(ReadProviderChannels, MakesOneForEachType) {
  const auto channels =
      Read("  providers: {default: \"127.0.0.1:1\", gitea: \"dns:///tea:1\"}");
  ASSERT_THAT(channels, IsOk());
  EXPECT_THAT(*channels, UnorderedElementsAre(Key("default"), Key("gitea")));
}

TEST(ReadProviderChannels, SaysWhatIsMissing) {
  EXPECT_THAT(Read("  database: sqlite:///x\n"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("lamplighter.yaml:"),
                             HasSubstr("reposync.providers: must name"))));
  const std::string providers = "  providers: {default: \"127.0.0.1:1\"}\n";
  EXPECT_THAT(
      Read(absl::StrCat(providers, "  providers_tls: {ca_file: /ca.crt}\n")),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("lamplighter.yaml:3: reposync.providers_tls"),
                     HasSubstr("needs ca_file, cert_file and key_file"))));
  EXPECT_THAT(
      Read(absl::StrCat(providers,
                        "  providers_tls: {ca_file: /none/ca.crt, "
                        "cert_file: /none/tls.crt, "
                        "key_file: /none/tls.key}\n")),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("lamplighter.yaml:3: reposync.providers_tls"),
                     HasSubstr("/none/tls.crt"))));
}

}  // namespace
}  // namespace lamplighter
