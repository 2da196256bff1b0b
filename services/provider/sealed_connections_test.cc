#include "services/provider/sealed_connections.h"

#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/seal/seal.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/connections.h"
#include "services/provider/credentials.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class SealedConnectionsTest : public ::testing::Test {
 protected:
  SealedConnectionsTest() {
    WriteKey('a');
    catalog_ = Seal::Create(path_, clock_).value();
    connections_ = std::make_unique<SealedConnections>(
        Seal::Create(path_, clock_).value(), /*max_kept=*/2);
  }

  void WriteKey(char byte) {
    std::ofstream(path_) << absl::Base64Escape(std::string(32, byte));
  }

  static v1::SealedConnection Made() {
    v1::SealedConnection connection;
    connection.set_name("main");
    connection.set_type("github");
    connection.set_address("https://github.com/Org");
    connection.set_webhook_url("https://hooks.example.com/github");
    connection.add_former_webhook_urls("https://old.example.com");
    (*connection.mutable_secret())["token"] = "t0ken-of-the-account\n";
    (*connection.mutable_secret())["webhookSecret"] = "webhook-s3cret";
    return connection;
  }

  auto Open(const v1::SealedConnection& connection) {
    return connections_->Open(catalog_->Close(connection.SerializeAsString()));
  }

  const std::string path_ = ::testing::TempDir() + "sealed-connections-keys";
  FakeClock clock_;
  std::unique_ptr<Seal> catalog_;
  std::unique_ptr<SealedConnections> connections_;
};

TEST_F(SealedConnectionsTest, OpensWhatTheCatalogHasSealed) {
  const auto opened = Open(Made());
  ASSERT_THAT(opened, IsOk());
  const Connection& connection = **opened;
  EXPECT_EQ(connection.location.site, "https://github.com");
  EXPECT_EQ(connection.location.account, "Org");
  EXPECT_EQ(connection.former_webhook_urls.size(), 1);
  const auto access = ReadAccess(*connection.manifests, connection.provider);
  ASSERT_THAT(access, IsOk());
  EXPECT_EQ(access->credential.token, "t0ken-of-the-account");
  EXPECT_EQ(access->credential_name, "sealed-connection/main");
  EXPECT_THAT(access->secrets, Contains("t0ken-of-the-account"));
  EXPECT_THAT(access->secrets, Contains("webhook-s3cret"));
  EXPECT_EQ(WantedWebhookOf(connection)->secret, "webhook-s3cret");
}

TEST_F(SealedConnectionsTest, SaysWhatIsWrongAndNoSecret) {
  const auto refused = [&](const char* problem) {
    return StatusIs(StatusCode::kInvalidArgument,
                    AllOf(HasSubstr(problem), Not(HasSubstr("s3cret"))));
  };
  v1::SealedConnection made = Made();
  made.clear_name();
  EXPECT_THAT(Open(made), refused("name: must not be empty"));
  made = Made();
  made.set_type("sourceforge");
  EXPECT_THAT(Open(made), refused("sealed connection main: address: provider "
                                  "type sourceforge is not supported"));
  made = Made();
  made.set_address("git@github.com:Org");
  EXPECT_THAT(Open(made), refused("main: address: "));
  made = Made();
  made.set_webhook_url("hooks.example.com");
  EXPECT_THAT(Open(made), refused("main: webhook_url: "));
  made = Made();
  (*made.mutable_secret())["appId"] = "1";
  (*made.mutable_secret())["githubAppID"] = "2";
  EXPECT_THAT(Open(made), refused("main: secret: appId and githubAppID"));
  made = Made();
  (*made.mutable_secret())["token"] = std::string(65 << 10, 'x');
  EXPECT_THAT(Open(made), refused("main: secret: token is larger"));
  made = Made();
  for (int i = 0; i < 64; ++i) (*made.mutable_secret())[absl::StrCat(i)] = "";
  EXPECT_THAT(Open(made), refused("main: secret: must not have more than 64"));
  EXPECT_THAT(connections_->Open(catalog_->Close("\xff")),
              refused("no SealedConnection"));
  EXPECT_THAT(connections_->Open("not sealed"), refused("sealed_connection: "));
  EXPECT_THAT(connections_->Open(std::string((1 << 20) + 1, 'x')),
              refused("is larger than"));
}

TEST_F(SealedConnectionsTest, KeepsTheLastUsedAsTheyWereRead) {
  v1::SealedConnection made = Made();
  const std::string first = catalog_->Close(made.SerializeAsString());
  const std::string second = catalog_->Close(made.SerializeAsString());
  const auto kept = connections_->Open(first);
  ASSERT_THAT(kept, IsOk());
  const auto forgotten = connections_->Open(second);
  EXPECT_EQ(*connections_->Open(first), *kept);
  EXPECT_THAT(Open(made), IsOk()) << "a third, in place of the second";
  EXPECT_EQ(*connections_->Open(first), *kept);
  EXPECT_NE(*connections_->Open(second), *forgotten);
}

TEST_F(SealedConnectionsTest, RefusesOneThatIsKnownOnceItsKeyIsGone) {
  const std::string sealed = catalog_->Close(Made().SerializeAsString());
  EXPECT_THAT(connections_->Open(sealed), IsOk());
  WriteKey('b');
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(connections_->Open(sealed),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("key that is not in " + path_)));
}

TEST_F(SealedConnectionsTest, SaysWhatToConfigureWhereThereAreNoKeys) {
  SealedConnections none(nullptr);
  EXPECT_THAT(none.Open("anything"),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("provider.seal_key_file")));
}

}  // namespace
}  // namespace lamplighter::provider
