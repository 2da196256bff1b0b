#include "services/ingest/verify.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::ingest {
namespace {

// RFC 4231 test case 2, and for SHA-1 RFC 2202's.
constexpr char kKey[] = "Jefe";
constexpr char kBody[] = "what do ya want for nothing?";
constexpr char kSha1[] = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
constexpr char kSha224[] =
    "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44";
constexpr char kSha256[] =
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
constexpr char kSha384[] =
    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
    "8e2240ca5e69e2c78b3239ecfab21649";
constexpr char kSha512[] =
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";

HmacSecret Secret(absl::string_view key) { return *HmacSecret::Create(key); }

std::vector<HmacSecret> Secrets(std::vector<std::string> keys) {
  std::vector<HmacSecret> secrets;
  for (const std::string& key : keys) secrets.push_back(Secret(key));
  return secrets;
}

TEST(HmacSecret, KnowsThePublishedVectorsOfEachHash) {
  const HmacSecret secret = Secret(kKey);
  EXPECT_TRUE(secret.Signed(HashAlgorithm::kSha1, kBody, kSha1));
  EXPECT_TRUE(secret.Signed(HashAlgorithm::kSha224, kBody, kSha224));
  EXPECT_TRUE(secret.Signed(HashAlgorithm::kSha256, kBody, kSha256));
  EXPECT_TRUE(secret.Signed(HashAlgorithm::kSha384, kBody, kSha384));
  EXPECT_TRUE(secret.Signed(HashAlgorithm::kSha512, kBody, kSha512));
}

TEST(HmacSecret, ChecksOneBodyAfterAnother) {
  const HmacSecret secret = Secret(kKey);
  EXPECT_FALSE(secret.Signed(HashAlgorithm::kSha256, "another", kSha256));
  EXPECT_TRUE(secret.Signed(HashAlgorithm::kSha256, kBody, kSha256));
  EXPECT_TRUE(secret.Signed(HashAlgorithm::kSha256, kBody, kSha256));
}

TEST(HmacSecret, TakesNothingButTheWholeSignatureInHex) {
  const HmacSecret secret = Secret(kKey);
  const std::string good = kSha256;
  const auto is_signed = [&secret](absl::string_view hex) {
    return secret.Signed(HashAlgorithm::kSha256, kBody, hex);
  };
  EXPECT_TRUE(is_signed(absl::AsciiStrToUpper(good)));
  EXPECT_FALSE(is_signed(""));
  EXPECT_FALSE(is_signed(good.substr(0, 62)));
  EXPECT_FALSE(is_signed(good + "00"));
  EXPECT_FALSE(is_signed(" " + good.substr(1)));
  EXPECT_FALSE(is_signed(good.substr(0, 63) + "g"));
  EXPECT_FALSE(is_signed(good.substr(0, 63) + "4"));
}

TEST(HmacSecret, RefusesAnEmptySecret) {
  EXPECT_THAT(HmacSecret::Create(""),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(VerifyWebhook, AnyOfSeveralSecretsIsGood) {
  const auto secrets = Secrets({"old", kKey});
  EXPECT_EQ(VerifyWebhook(secrets, absl::StrCat("sha256=", kSha256),
                          "sha256=", kBody),
            Proof::kValid);
  EXPECT_EQ(VerifyWebhook(Secrets({"old", "older"}),
                          absl::StrCat("sha256=", kSha256), "sha256=", kBody),
            Proof::kWrong);
}

TEST(VerifyWebhook, TellsAMissingSignatureFromAWrongOne) {
  const auto secrets = Secrets({kKey});
  const auto verify = [&secrets](absl::optional<absl::string_view> signature,
                                 absl::string_view prefix) {
    return VerifyWebhook(secrets, signature, prefix, kBody);
  };
  EXPECT_EQ(verify(absl::nullopt, "sha256="), Proof::kMissing);
  EXPECT_EQ(verify("", ""), Proof::kMissing);
  EXPECT_EQ(verify("sha256=", "sha256="), Proof::kMissing);
  EXPECT_EQ(verify(kSha256, ""), Proof::kValid);
  EXPECT_EQ(verify(kSha256, "sha256="), Proof::kWrong);
  EXPECT_EQ(verify(absl::StrCat("sha1=", kSha1), "sha256="), Proof::kWrong);
}

TEST(VerifyWebhook, NothingIsGoodWithoutSecrets) {
  EXPECT_EQ(VerifyWebhook({}, kSha256, "", kBody), Proof::kWrong);
}

TEST(VerifyFluxHmac, TakesEachHashThatTheSenderMayName) {
  const auto secret = Secrets({"old", kKey});
  for (const auto& [name, hex] :
       std::vector<std::pair<std::string, std::string>>{{"sha1=", kSha1},
                                                        {"sha224=", kSha224},
                                                        {"sha256=", kSha256},
                                                        {"sha384=", kSha384},
                                                        {"sha512=", kSha512}}) {
    EXPECT_EQ(VerifyFluxHmac(secret, name + hex, kBody), Proof::kValid) << name;
    EXPECT_EQ(VerifyFluxHmac(secret, name, kBody), Proof::kMissing) << name;
    EXPECT_EQ(VerifyFluxHmac(secret, name + hex, "other"), Proof::kWrong);
  }
}

TEST(VerifyFluxHmac, RefusesOtherHashesAndNone) {
  const auto secret = Secrets({kKey});
  EXPECT_EQ(VerifyFluxHmac(secret, absl::nullopt, kBody), Proof::kMissing);
  EXPECT_EQ(VerifyFluxHmac(secret, "md5=00", kBody), Proof::kWrong);
  EXPECT_EQ(VerifyFluxHmac(secret, kSha256, kBody), Proof::kWrong);
  EXPECT_EQ(VerifyFluxHmac(secret, absl::StrCat("sha1=", kSha256), kBody),
            Proof::kWrong);
}

// Of the signing token whsec_bGFtcGxpZ2h0ZXItc2lnbmluZy1rZXktMDEyMzQ1Njc=.
constexpr char kSigningKey[] = "lamplighter-signing-key-01234567";
constexpr char kSigned[] = R"({"a":1})";
constexpr char kSignature[] = "v1,0L3YqgAlY5TG71RDYDSCrfZOHpnMqIwm2W6RG5kTdVU=";
constexpr int64_t kSignedAt = 1'700'000'000;

Proof Standard(absl::string_view signature, absl::string_view id = "msg-1",
               absl::string_view timestamp = "1700000000",
               absl::string_view body = kSigned, int64_t now = kSignedAt) {
  return VerifyStandardWebhook(
      Secrets({"old", kSigningKey}),
      {.id = id, .timestamp = timestamp, .signature = signature}, body,
      absl::FromUnixSeconds(now));
}

TEST(VerifyStandardWebhook, TakesAGoodSignatureAmongOthers) {
  EXPECT_EQ(Standard(kSignature), Proof::kValid);
  EXPECT_EQ(Standard(absl::StrCat("v1a,xyz v1,AAAA ", kSignature, " ")),
            Proof::kValid);
}

TEST(VerifyStandardWebhook, CoversIdTimestampAndBody) {
  EXPECT_EQ(Standard(kSignature, "msg-2"), Proof::kWrong);
  EXPECT_EQ(Standard(kSignature, ""), Proof::kWrong);
  EXPECT_EQ(Standard(kSignature, "msg-1", "1700000001"), Proof::kWrong);
  EXPECT_EQ(Standard(kSignature, "msg-1", "1700000000", "{}"), Proof::kWrong);
}

TEST(VerifyStandardWebhook, TakesATimestampForNothingButANumber) {
  for (const char* timestamp :
       {"", " 1700000000", "+1700000000", "1700000000.0", "now",
        "99999999999999999999"}) {
    EXPECT_EQ(Standard(kSignature, "msg-1", timestamp), Proof::kWrong)
        << timestamp;
  }
}

TEST(VerifyStandardWebhook, IsStaleBeyondFiveMinutesEitherWay) {
  const auto after = [](int64_t seconds) {
    return Standard(kSignature, "msg-1", "1700000000", kSigned,
                    kSignedAt + seconds);
  };
  EXPECT_EQ(after(300), Proof::kValid);
  EXPECT_EQ(after(301), Proof::kStale);
  EXPECT_EQ(after(-300), Proof::kValid);
  EXPECT_EQ(after(-301), Proof::kStale);
}

TEST(VerifyStandardWebhook, TellsAMissingSignatureFromAWrongOne) {
  EXPECT_EQ(Standard(""), Proof::kMissing);
  for (const std::string& signature :
       {std::string(" "), std::string("v1,"), std::string(kSignature).substr(3),
        absl::StrCat("v2", std::string(kSignature).substr(2)),
        absl::AsciiStrToLower(kSignature), std::string("v1,AAAA"),
        std::string("v1,!")}) {
    EXPECT_EQ(Standard(signature), Proof::kWrong) << signature;
  }
}

TEST(VerifyStandardWebhook, NothingIsGoodWithoutSecrets) {
  EXPECT_EQ(
      VerifyStandardWebhook(
          {},
          {.id = "msg-1", .timestamp = "1700000000", .signature = kSignature},
          kSigned, absl::FromUnixSeconds(kSignedAt)),
      Proof::kWrong);
}

TEST(VerifyToken, ComparesTheWholeTokenWithEach) {
  EXPECT_EQ(VerifyToken({"token"}, "token"), Proof::kValid);
  EXPECT_EQ(VerifyToken({"old", "token"}, "token"), Proof::kValid);
  EXPECT_EQ(VerifyToken({"token"}, "toke"), Proof::kWrong);
  EXPECT_EQ(VerifyToken({"token"}, "tokens"), Proof::kWrong);
  EXPECT_EQ(VerifyToken({"token"}, ""), Proof::kMissing);
  EXPECT_EQ(VerifyToken({}, ""), Proof::kMissing);
  EXPECT_EQ(VerifyToken({}, "x"), Proof::kWrong);
  EXPECT_EQ(VerifyToken({""}, ""), Proof::kMissing);
}

TEST(VerifyBearer, NeedsTheScheme) {
  EXPECT_EQ(VerifyBearer({"token"}, "Bearer token"), Proof::kValid);
  EXPECT_EQ(VerifyBearer({"token"}, "bearer token"), Proof::kValid);
  EXPECT_EQ(VerifyBearer({"token"}, "Bearer other"), Proof::kWrong);
  EXPECT_EQ(VerifyBearer({"token"}, "Bearer "), Proof::kMissing);
  EXPECT_EQ(VerifyBearer({"token"}, "Basic token"), Proof::kMissing);
  EXPECT_EQ(VerifyBearer({"token"}, "token"), Proof::kMissing);
  EXPECT_EQ(VerifyBearer({"token"}, absl::nullopt), Proof::kMissing);
}

TEST(VerifyBasic, ComparesUserAndPassword) {
  // ada:s3cret and, after it, ada:s3cre
  EXPECT_EQ(VerifyBasic({"ada:s3cret"}, "Basic YWRhOnMzY3JldA=="),
            Proof::kValid);
  EXPECT_EQ(VerifyBasic({"x:y", "ada:s3cret"}, "basic YWRhOnMzY3JldA=="),
            Proof::kValid);
  EXPECT_EQ(VerifyBasic({"ada:s3cret"}, "Basic YWRhOnMzY3Jl"), Proof::kWrong);
  EXPECT_EQ(VerifyBasic({"ada:s3cret"}, "Basic !"), Proof::kWrong);
  EXPECT_EQ(VerifyBasic({"ada:s3cret"}, "Basic "), Proof::kMissing);
  EXPECT_EQ(VerifyBasic({"ada:s3cret"}, "Bearer ada:s3cret"), Proof::kMissing);
  EXPECT_EQ(VerifyBasic({"ada:s3cret"}, absl::nullopt), Proof::kMissing);
  EXPECT_EQ(VerifyBasic({}, "Basic YWRhOnMzY3JldA=="), Proof::kWrong);
}

}  // namespace
}  // namespace lamplighter::ingest
