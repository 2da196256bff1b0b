#include "services/provider/credentials.h"

#include <map>
#include <string>
#include <vector>

#include "common/manifests/objects.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/testing/fake_manifests.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CredentialsTest : public ::testing::Test {
 protected:
  CredentialsTest() {
    provider_.namespace_ = "flux-system";
    provider_.name = "forge";
    provider_.address = "https://github.com/org/repo";
    provider_.secret_ref = "forge-token";
  }

  void AddSecret(const std::string& name,
                 std::map<std::string, std::string> data) {
    manifests_.Add(Secret{"flux-system", name, std::move(data)});
  }

  absl::StatusOr<Access> Read() {
    return ReadAccess(*manifests_.Current(), provider_);
  }

  FakeManifests manifests_;
  Provider provider_;
};

TEST_F(CredentialsTest, ATokenGoesBeforeAPassword) {
  AddSecret("forge-token", {{"username", "bob"}, {"password", "pw"}});
  EXPECT_EQ(Read()->credential.TokenOrPassword(), "pw");
  AddSecret("forge-token",
            {{"username", "bob"}, {"password", "pw"}, {"token", "tok\n"}});
  EXPECT_EQ(Read()->credential.TokenOrPassword(), "tok");
  EXPECT_EQ(Read()->credential.username, "bob");
  EXPECT_EQ(Read()->credential_name, "flux-system/forge-token");
  EXPECT_EQ(Read()->transport, nullptr);
}

TEST_F(CredentialsTest, TheSecretsAddressGoesBeforeTheProviders) {
  AddSecret("forge-token", {{"token", "t"}});
  EXPECT_EQ(Read()->address, "https://github.com/org/repo");
  AddSecret("forge-token", {{"token", "t"}, {"address", "https://ghe/o/r"}});
  EXPECT_EQ(Read()->address, "https://ghe/o/r");
}

TEST_F(CredentialsTest, AMissingSecretMayStillCome) {
  EXPECT_THAT(Read(), StatusIs(StatusCode::kUnauthenticated,
                               HasSubstr("flux-system/forge-token")));
  AddSecret("forge-token", {{"token", "t"}});
  provider_.cert_secret_ref = "ca";
  EXPECT_THAT(Read(), StatusIs(StatusCode::kUnauthenticated, HasSubstr("/ca")));
}

TEST_F(CredentialsTest, TheTokenOfAPairIsASecretToo) {
  AddSecret("forge-token", {{"token", "me@example.com:ATATT3x"}});
  EXPECT_THAT(Read()->secrets, Contains("me@example.com:ATATT3x"));
  EXPECT_THAT(Read()->secrets, Contains("ATATT3x"));
}

TEST_F(CredentialsTest, WithoutASecretThereIsNoToken) {
  provider_.secret_ref = "";
  EXPECT_EQ(Read()->credential.TokenOrPassword(), "");
}

TEST_F(CredentialsTest, FingerprintsTellSecretsApart) {
  AddSecret("forge-token", {{"token", "one"}});
  const size_t one = Read()->fingerprint;
  EXPECT_EQ(Read()->fingerprint, one);
  AddSecret("forge-token", {{"token", "two"}});
  EXPECT_NE(Read()->fingerprint, one);
}

TEST_F(CredentialsTest, ATokenThatWouldBreakAHeaderIsRefused) {
  AddSecret("forge-token", {{"token", "a\r\nX-Evil: 1"}});
  EXPECT_THAT(Read(), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(CredentialsTest, CertificatesComeFromCertSecretRefOrElseTheSecret) {
  AddSecret("forge-token", {{"token", "t"}, {"ca.crt", "own"}});
  EXPECT_EQ(Read()->transport->ca_pem, "own");
  provider_.cert_secret_ref = "tls";
  AddSecret("tls", {{"caFile", "ca"}, {"tls.crt", "crt"}, {"tls.key", "key"}});
  const auto access = Read();
  EXPECT_EQ(access->transport->ca_pem, "ca");
  EXPECT_EQ(access->transport->client_cert_pem, "crt");
  EXPECT_EQ(access->transport->client_key_pem, "key");
}

TEST_F(CredentialsTest, ACertificateWithoutItsKeyIsRefused) {
  AddSecret("forge-token", {{"token", "t"}});
  provider_.cert_secret_ref = "tls";
  AddSecret("tls", {{"tls.crt", "crt"}});
  EXPECT_THAT(Read(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("go together")));
}

TEST_F(CredentialsTest, TheProxysSecretGoesBeforeTheOldFields) {
  AddSecret("forge-token", {{"token", "t"}});
  provider_.proxy = "http://old:3128";
  EXPECT_EQ(Read()->transport->proxy, "http://old:3128");
  AddSecret("forge-token", {{"token", "t"}, {"proxy", "http://secret:3128"}});
  EXPECT_EQ(Read()->transport->proxy, "http://secret:3128");
  provider_.proxy_secret_ref = "proxy";
  AddSecret("proxy", {{"address", "http://new:3128"}});
  EXPECT_EQ(Read()->transport->proxy, "http://new:3128");
  AddSecret("proxy", {{"address", "http://new:3128"},
                      {"username", "bob"},
                      {"password", "p@ss:w/rd"}});
  EXPECT_EQ(Read()->transport->proxy, "http://bob:p%40ss%3Aw%2Frd@new:3128");
  EXPECT_THAT(Read()->secrets, Contains("p@ss:w/rd"));
}

TEST_F(CredentialsTest, MasksWhatRequestsEncodeAndKeysLineByLine) {
  AddSecret("forge-token",
            {{"username", "bob"},
             {"password", "s3cret"},
             {"githubAppID", "12"},
             {"githubAppPrivateKey",
              "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nq8mV\n"}});
  const std::vector<std::string> secrets = Read()->secrets;
  EXPECT_THAT(secrets, Contains("Ym9iOnMzY3JldA==")) << "bob:s3cret";
  EXPECT_THAT(secrets, Contains("MIIEpAIBAAKCAQEA"));
  EXPECT_THAT(secrets, Not(Contains(StartsWith("-----"))));
  EXPECT_EQ(Read()->credential.app.app_id, "12");
}

TEST_F(CredentialsTest, AProxyWithoutAnAddressIsRefused) {
  AddSecret("forge-token", {{"token", "t"}});
  provider_.proxy_secret_ref = "proxy";
  AddSecret("proxy", {{"username", "bob"}});
  EXPECT_THAT(Read(), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace lamplighter::provider
