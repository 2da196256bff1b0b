#include "services/provider/connections.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/credentials.h"

namespace lamplighter::provider {
namespace {

namespace fs = ::std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ConnectionsTest : public ::testing::Test {
 protected:
  ConnectionsTest()
      : directory_(fs::path(::testing::TempDir()) / "connection-secret") {
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    Write("token", "t0ken-one\n");
    config::v1::Connection& connection = *config_.add_connections();
    connection.set_name("main");
    connection.set_type("github");
    connection.set_address("https://github.com/Org");
    connection.set_secret_directory(directory_);
    connection.set_webhook_url("https://hooks.example.com/github");
  }

  void Write(const std::string& key, const std::string& value) {
    std::ofstream(directory_ / key) << value;
  }

  absl::Status Create() {
    auto created = Connections::Create(config_.connections(), {});
    if (!created.ok()) return created.status();
    connections_ = *std::move(created);
    return absl::OkStatus();
  }

  config::v1::Connection& Config() { return *config_.mutable_connections(0); }

  std::string Token() {
    const Connection& connection = **connections_.Find("main");
    return ReadAccess(*connection.manifests, connection.provider)
        ->credential.token;
  }

  const fs::path directory_;
  config::v1::Provider config_;
  Connections connections_;
};

TEST_F(ConnectionsTest, KnowsAccountAndCredential) {
  ASSERT_THAT(Create(), IsOk());
  const Connection& connection = **connections_.Find("main");
  EXPECT_EQ(connection.location.site, "https://github.com");
  EXPECT_EQ(connection.location.account, "Org");
  EXPECT_EQ(Token(), "t0ken-one");
  EXPECT_EQ(
      ReadAccess(*connection.manifests, connection.provider)->credential_name,
      "connection/main");
  EXPECT_THAT(connections_.Find("other"),
              StatusIs(StatusCode::kNotFound, HasSubstr("main")));
}

TEST_F(ConnectionsTest, ReadsSecretsAgain) {
  ASSERT_THAT(Create(), IsOk());
  Write("token", "t0ken-two");
  ASSERT_THAT(connections_.Refresh(), IsOk());
  EXPECT_EQ(Token(), "t0ken-two");
}

TEST_F(ConnectionsTest, KeepsTheLastSecretWhereItsDirectoryIsGone) {
  ASSERT_THAT(Create(), IsOk());
  fs::remove_all(directory_);
  EXPECT_THAT(connections_.Refresh(), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(Token(), "t0ken-one");
}

TEST_F(ConnectionsTest, ReadsWhatKubernetesMounts) {
  const fs::path data = directory_ / "..2026_11_21";
  fs::create_directories(data);
  std::ofstream(data / "password") << "mounted";
  fs::create_symlink("..2026_11_21", directory_ / "..data");
  fs::create_symlink("..data/password", directory_ / "password");
  fs::remove(directory_ / "token");
  ASSERT_THAT(Create(), IsOk());
  const Connection& connection = **connections_.Find("main");
  EXPECT_EQ(ReadAccess(*connection.manifests, connection.provider)
                ->credential.password,
            "mounted");
}

TEST_F(ConnectionsTest, TakesOtherNamesForThePartsOfAnApp) {
  fs::remove(directory_ / "token");
  Write("appId", "123\n");
  Write("installationId", "7");
  Write("privateKey", "PEM");
  Write("githubAppPrivateKey", "PEM\n");
  ASSERT_THAT(Create(), IsOk());
  const Connection& connection = **connections_.Find("main");
  const auto access = ReadAccess(*connection.manifests, connection.provider);
  ASSERT_THAT(access, IsOk());
  EXPECT_EQ(access->credential.app.app_id, "123");
  EXPECT_EQ(access->credential.app.installation_id, "7");
  EXPECT_EQ(access->credential.app.private_key, "PEM");
}

TEST_F(ConnectionsTest, RefusesTwoNamesThatSayDifferentThings) {
  ASSERT_THAT(Create(), IsOk());
  Write("token", "t0ken-two");
  Write("appId", "123");
  Write("githubAppID", "456");
  const auto is_refused =
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("appId and githubAppID"),
                     HasSubstr(directory_.string()), Not(HasSubstr("456"))));
  EXPECT_THAT(connections_.Refresh(), is_refused);
  EXPECT_EQ(Token(), "t0ken-one");
  EXPECT_THAT(Create(), is_refused);
}

TEST_F(ConnectionsTest, TellsAllInTheConfigurationsOrder) {
  *config_.add_connections() = Config();
  Config().set_name("zebra");
  ASSERT_THAT(Create(), IsOk());
  const std::vector<const Connection*> all = connections_.All();
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(all[0]->provider.name, "zebra");
  EXPECT_EQ(all[1]->provider.name, "main");
}

TEST_F(ConnectionsTest, SaysWhatIsWrongAndWhere) {
  Config().set_address("git@github.com:org");
  EXPECT_THAT(Create(), StatusIs(StatusCode::kInvalidArgument,
                                 HasSubstr("provider.connections[0].address")));
  Config().set_address("https://github.com");
  Config().set_type("sourceforge");
  EXPECT_THAT(Create(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("sourceforge")));
  Config().set_type("github");
  Config().set_secret_directory("/nonexistent");
  EXPECT_THAT(Create(), StatusIs(StatusCode::kInvalidArgument,
                                 HasSubstr("/nonexistent")));
  Config().set_secret_directory(directory_);
  Config().set_webhook_url("hooks.example.com");
  EXPECT_THAT(Create(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("webhook_url")));
  Config().set_webhook_url("");
  *config_.add_connections() = Config();
  EXPECT_THAT(Create(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("twice")));
}

TEST_F(ConnectionsTest, MakesNoWebhookThatNobodyCanProve) {
  ASSERT_THAT(Create(), IsOk());
  EXPECT_THAT(
      WantedWebhookOf(**connections_.Find("main")),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("webhookSecret")));
  Write("webhookSecret", "s3cret\n");
  ASSERT_THAT(connections_.Refresh(), IsOk());
  const auto wanted = WantedWebhookOf(**connections_.Find("main"));
  ASSERT_THAT(wanted, IsOk());
  EXPECT_EQ(wanted->url, "https://hooks.example.com/github");
  EXPECT_EQ(wanted->secret, "s3cret");
}

TEST_F(ConnectionsTest, AzureDevOpsProvesWithAPassword) {
  Config().set_type("azuredevops");
  Config().set_address("https://dev.azure.com/org");
  Write("webhookBasicAuthUser", "hook");
  ASSERT_THAT(Create(), IsOk());
  EXPECT_THAT(WantedWebhookOf(**connections_.Find("main")),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("webhookBasicAuthPass")));
  Write("webhookBasicAuthPass", "passw0rd");
  ASSERT_THAT(connections_.Refresh(), IsOk());
  EXPECT_EQ(WantedWebhookOf(**connections_.Find("main"))->password, "passw0rd");
}

}  // namespace
}  // namespace lamplighter::provider
