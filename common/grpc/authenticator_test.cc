#include "common/grpc/authenticator.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kFirst[] = "first-token-of-platform";
constexpr char kSecond[] = "second-token-of-platform";

class AuthenticatorTest : public ::testing::Test {
 protected:
  // A file of this test's own that holds `token`.
  std::string Write(const std::string& name, const std::string& token) {
    const std::string path =
        absl::StrCat(std::getenv("TEST_TMPDIR"), "/auth-", name);
    std::ofstream(path) << token << '\n';
    return path;
  }

  void Make(std::vector<Authenticator::Client> clients) {
    auto made = Authenticator::Create({std::move(clients), "dispatcher"},
                                      clock_, metrics_);
    ASSERT_THAT(made, IsOk());
    authenticator_ = *std::move(made);
  }

  void MakePlatform() {
    Make({{.name = "platform",
           .scopes = {"statuses:read"},
           .tokens = {{Write("a", kFirst), ""}, {Write("b", kSecond), ""}}},
          {.name = "mesh",
           .scopes = {"*"},
           .certificate_name = "spiffe://prod/ns/ci"}});
  }

  absl::StatusOr<std::string> WithToken(const std::string& token,
                                        absl::string_view scope) {
    CallProof proof;
    proof.authorization = absl::StrCat("Bearer ", token);
    return authenticator_->Authorize(proof, scope);
  }

  FakeClock clock_;
  Metrics metrics_;
  std::unique_ptr<Authenticator> authenticator_;
};

TEST_F(AuthenticatorTest, KnowsAClientByAnyOfItsTokens) {
  MakePlatform();
  EXPECT_EQ(WithToken(kFirst, "statuses:read").value_or(""), "platform");
  EXPECT_EQ(WithToken(kSecond, "statuses:read").value_or(""), "platform");
}

TEST_F(AuthenticatorTest, KnowsAClientByItsCertificatesName) {
  MakePlatform();
  CallProof proof;
  proof.certificate_names = {"ci.example.org", "spiffe://prod/ns/ci"};
  EXPECT_EQ(authenticator_->Authorize(proof, "statuses:write").value_or(""),
            "mesh");
  proof.certificate_names = {"spiffe://prod/ns/other"};
  EXPECT_THAT(authenticator_->Authorize(proof, "statuses:write"),
              StatusIs(StatusCode::kUnauthenticated,
                       HasSubstr("spiffe://prod/ns/other")));
}

TEST_F(AuthenticatorTest, SaysHowToProveWhoCalls) {
  MakePlatform();
  EXPECT_THAT(authenticator_->Authorize({}, "statuses:read"),
              StatusIs(StatusCode::kUnauthenticated,
                       HasSubstr("authorization: Bearer TOKEN")));
  CallProof proof;
  proof.authorization = "Basic Zm9vOmJhcg==";
  EXPECT_THAT(authenticator_->Authorize(proof, "statuses:read"),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("Bearer")));
}

TEST_F(AuthenticatorTest, NeverRepeatsATokenItWasSent) {
  MakePlatform();
  ::testing::internal::CaptureStderr();
  const auto result = WithToken("some-other-token-here", "statuses:read");
  EXPECT_THAT(result, StatusIs(StatusCode::kUnauthenticated,
                               Not(HasSubstr("some-other-token-here"))));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              Not(HasSubstr("some-other-token-here")));
}

TEST_F(AuthenticatorTest, AWrongTokenIsNotMadeUpForByACertificate) {
  MakePlatform();
  CallProof proof;
  proof.authorization = "Bearer wrong-token-of-nobody";
  proof.certificate_names = {"spiffe://prod/ns/ci"};
  EXPECT_THAT(authenticator_->Authorize(proof, "statuses:read"),
              StatusIs(StatusCode::kUnauthenticated));
}

TEST_F(AuthenticatorTest, DeniesWhatTheScopesDoNotName) {
  MakePlatform();
  EXPECT_THAT(WithToken(kFirst, "statuses:write"),
              StatusIs(StatusCode::kPermissionDenied,
                       HasSubstr("platform lacks scope statuses:write")));
}

TEST_F(AuthenticatorTest, CountsWhatItRefuses) {
  MakePlatform();
  WithToken("wrong-token-of-nobody", "statuses:read").IgnoreError();  // counted
  WithToken(kFirst, "statuses:write").IgnoreError();                  // counted
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("lamplighter_dispatcher_grpc_rejected_total{reason="
                        "\"unauthenticated\"} 1"));
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("lamplighter_dispatcher_grpc_rejected_total{reason="
                        "\"permission_denied\"} 1"));
}

TEST_F(AuthenticatorTest, TakesATokenThatWasReplacedWithinSeconds) {
  MakePlatform();
  Write("a", "a-new-token-of-platform");
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(WithToken("a-new-token-of-platform", "statuses:read").value_or(""),
            "platform");
  EXPECT_THAT(WithToken(kFirst, "statuses:read"),
              StatusIs(StatusCode::kUnauthenticated));
}

TEST_F(AuthenticatorTest, KeepsATokenWhoseFileIsGoneForAMoment) {
  MakePlatform();
  std::remove(absl::StrCat(std::getenv("TEST_TMPDIR"), "/auth-a").c_str());
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(WithToken(kFirst, "statuses:read").value_or(""), "platform");
}

TEST_F(AuthenticatorTest, LetsEverybodyInWhereNobodyIsNamed) {
  Make({});
  EXPECT_EQ(authenticator_->Authorize({}, "statuses:write").value_or(""),
            "anybody");
}

TEST_F(AuthenticatorTest, RefusesTokensThatProveNothing) {
  const auto create = [this](const std::string& a, const std::string& b) {
    return Authenticator::Create(
               {{{.name = "a", .scopes = {"*"}, .tokens = {{a, ""}}},
                 {.name = "b", .scopes = {"*"}, .tokens = {{b, ""}}}},
                "dispatcher"},
               clock_, metrics_)
        .status();
  };
  const std::string good = Write("good", kFirst);
  EXPECT_THAT(create(good, Write("same", kFirst)),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("a and b have the same token")));
  EXPECT_THAT(create(good, Write("short", "abc")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("openssl")));
  EXPECT_THAT(create(good, Write("spaces", "a token with spaces in it")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("spaces")));
  EXPECT_THAT(create(good, "/no/such/file"),
              StatusIs(StatusCode::kNotFound, HasSubstr("/no/such/file")));
}

}  // namespace
}  // namespace lamplighter
