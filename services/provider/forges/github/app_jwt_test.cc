#include "services/provider/forges/github/app_jwt.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/http/testing/test_certificate.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/github/testing/app_key.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

TEST(AppJwtTest, IsSignedByTheKeyAndDatesFromAMinuteAgo) {
  const std::string key = MakeAppKey();
  const auto jwt = MakeAppJwt("Iv23liABC", key, kNow);
  ASSERT_THAT(jwt, IsOk());
  EXPECT_EQ(VerifiedClaims(*jwt, key),
            R"({"iat":1699999940,"exp":1700000540,"iss":"Iv23liABC"})");
  // {"alg":"RS256","typ":"JWT"}
  EXPECT_THAT(*jwt, StartsWith("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9."));
  EXPECT_THAT(*jwt, Not(HasSubstr("=")));
}

TEST(AppJwtTest, AnotherKeysSignatureIsAnother) {
  const auto jwt = MakeAppJwt("12345", MakeAppKey(), kNow);
  ASSERT_THAT(jwt, IsOk());
  EXPECT_EQ(VerifiedClaims(*jwt, MakeAppKey()), absl::nullopt);
}

TEST(AppJwtTest, RefusesWhatIsNoRsaKeyAndDoesNotShowIt) {
  const std::string key = MakeAppKey();
  const std::string encrypted =
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIFHDBOBgkqhkiG9w0BBQ0w\n"
      "-----END ENCRYPTED PRIVATE KEY-----\n";
  for (const std::string& bad :
       {std::string(), std::string("s3cret words"), key.substr(0, 400),
        encrypted, MakeTestCertificate().key_pem}) {
    EXPECT_THAT(MakeAppJwt("12345", bad, kNow),
                StatusIs(StatusCode::kUnauthenticated,
                         AllOf(HasSubstr("githubAppPrivateKey"),
                               Not(HasSubstr("s3cret")))));
  }
}

}  // namespace
}  // namespace lamplighter::provider
