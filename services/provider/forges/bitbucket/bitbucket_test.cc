#include "services/provider/forges/bitbucket/bitbucket.h"

#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/grpc/retry_info.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kAddress[] = "https://bitbucket.org/Work-Space/repo";
constexpr char kCommit[] =
    "https://api.bitbucket.org/2.0/repositories/Work-Space/repo/commit/"
    "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";
// SHA-1 of SomeIntent()'s context.
constexpr char kKey[] = "82265367404ad9d071796a3dd9b07c82d40274be";
constexpr char kNotFound[] =
    R"({"type":"error","error":{"message":"Resource not found"}})";

std::string Entry(const std::string& key, const std::string& state,
                  const std::string& updated_on = "2026-11-21T09:00:00+00:00") {
  return absl::StrCat(
      R"({"type":"build","key":")", key, R"(","uuid":"{1-2}","state":")", state,
      R"(","name":"kustomization/app","url":"https://example.com/app",)"
      R"("description":"reconciliation succeeded","refname":null,)"
      R"("updated_on":")",
      updated_on, R"("})");
}

class BitbucketTest : public ForgeFixture {
 protected:
  BitbucketTest() : ForgeFixture("bitbucket") {
    http_.When("GET", _).Return(Reply(404, kNotFound));
    http_.When("POST", _).Return(Reply(201, Entry(kKey, "SUCCESSFUL")));
  }

  // Of the object that the context is of.
  static v1::StatusIntent Intent() {
    v1::StatusIntent intent = SomeIntent();
    intent.mutable_involved_object()->set_kind("Kustomization");
    intent.mutable_involved_object()->set_name("app");
    return intent;
  }

  absl::StatusOr<SetStatusResult> Set(const std::string& address = kAddress) {
    return ForgeFixture::Set(*bitbucket_, address, Intent());
  }

  // Sets a status whose creation is answered so.
  absl::Status StatusOfWrite(HttpResult answer) {
    http_.When("POST", _).Return(std::move(answer));
    return Set().status();
  }

  std::string AuthorizationOf(const std::string& token) {
    token_ = token;
    EXPECT_THAT(Set(), IsOk());
    return std::string(
        http_.calls().back().headers.Find("Authorization").value_or(""));
  }

  std::unique_ptr<Forge> bitbucket_ = MakeBitbucket();
};

TEST_F(BitbucketTest, SpeaksItsApi) {
  const auto result = Set();
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->forge_id, "{1-2}");
  ASSERT_EQ(http_.calls().size(), 2);
  const HttpCall& read = http_.calls()[0];
  EXPECT_EQ(read.method, "GET");
  EXPECT_EQ(read.url, absl::StrCat(kCommit, "/statuses/build/", kKey));
  EXPECT_EQ(read.headers.Find("Accept"), "application/json");
  const HttpCall& write = http_.calls()[1];
  EXPECT_EQ(write.method, "POST");
  EXPECT_EQ(write.url, absl::StrCat(kCommit, "/statuses/build"));
  EXPECT_EQ(write.headers.Find("Content-Type"), "application/json");
  EXPECT_EQ(write.body,
            absl::StrCat(R"({"key":")", kKey,
                         R"(","url":"https://example.com/app",)"
                         R"("state":"SUCCESSFUL","name":"kustomization/app",)"
                         R"("description":"reconciliation succeeded"})"));
}

TEST_F(BitbucketTest, KeysAreTheOnesThatNotificationControllerMakes) {
  v1::StatusIntent intent = Intent();
  intent.set_context("kustomization/gitops-system/0c9c2e41");
  EXPECT_EQ(bitbucket_->Render(intent)->context,
            "c99410a43c260fddd152a40c296bddfa0b8fd879");
  intent.set_context("helmrelease/podinfo/0c9c2e41");
  EXPECT_EQ(bitbucket_->Render(intent)->context,
            "3c2a5ab98b5c9deda6db650e5cf8877e0df5e3ce");
}

TEST_F(BitbucketTest, TheNameIsTheObjectsWhereTheContextIs) {
  v1::StatusIntent intent = Intent();
  EXPECT_EQ(bitbucket_->Render(intent)->name, "kustomization/app");
  intent.set_context("kustomization/apple/0c9c2e41");
  EXPECT_EQ(bitbucket_->Render(intent)->name, "kustomization/apple/0c9c2e41");
  intent.clear_involved_object();
  intent.set_context("ci/build");
  EXPECT_EQ(bitbucket_->Render(intent)->name, "ci/build");
  intent.set_context(std::string(300, 'x'));
  EXPECT_EQ(bitbucket_->Render(intent)->name, std::string(254, 'x') + "…");
}

TEST_F(BitbucketTest, CutsDescriptionsAt255Characters) {
  v1::StatusIntent intent = Intent();
  std::string umlauts;
  for (int i = 0; i < 255; ++i) umlauts += "ü";
  intent.set_description(umlauts);
  EXPECT_EQ(bitbucket_->Render(intent)->description, umlauts);
  intent.set_description(umlauts + "x");
  EXPECT_EQ(bitbucket_->Render(intent)->description,
            umlauts.substr(0, umlauts.size() - 2) + "…");
}

TEST_F(BitbucketTest, AUrlIsAlwaysThereAndNeverATemplate) {
  v1::StatusIntent intent = Intent();
  intent.clear_target_url();
  EXPECT_EQ(bitbucket_->Render(intent)->target_url, "https://bitbucket.org");
  intent.set_target_url("https://example.com/{repository.full_name}?a={}");
  EXPECT_EQ(bitbucket_->Render(intent)->target_url,
            "https://example.com/%7Brepository.full_name%7D?a=%7B%7D");
}

TEST_F(BitbucketTest, AnErrorIsAFailureButStoppedIsAnError) {
  v1::StatusIntent intent = Intent();
  intent.set_state(v1::ERROR);
  EXPECT_EQ(bitbucket_->Render(intent)->state, "FAILED");
  EXPECT_EQ(bitbucket_->StateOf("STOPPED"), v1::ERROR);
  EXPECT_EQ(bitbucket_->StateOf("successful"), v1::COMMIT_STATE_UNSPECIFIED);
}

TEST_F(BitbucketTest, WritesNothingWhereTheSameIsShown) {
  http_.When("GET", _).Return(Reply(200, Entry(kKey, "SUCCESSFUL")));
  EXPECT_FALSE(Set()->written);
  EXPECT_EQ(Set()->forge_id, "{1-2}");
  http_.When("GET", _).Return(Reply(200, Entry(kKey, "FAILED")));
  EXPECT_TRUE(Set()->written);
}

TEST_F(BitbucketTest, WritesWhereTheNameDiffers) {
  http_.When("GET", _).Return(Reply(200, Entry(kKey, "SUCCESSFUL")));
  v1::StatusIntent intent = SomeIntent();  // of no object
  EXPECT_TRUE(ForgeFixture::Set(*bitbucket_, kAddress, intent)->written);
}

TEST_F(BitbucketTest, AnotherKeyThanTheOneAskedForIsNone) {
  http_.When("GET", _).Return(Reply(200, Entry("other", "SUCCESSFUL")));
  EXPECT_TRUE(Set()->written);
}

TEST_F(BitbucketTest, AnUpdateIsAnsweredWith200) {
  EXPECT_THAT(StatusOfWrite(Reply(200, Entry(kKey, "SUCCESSFUL"))), IsOk());
}

TEST_F(BitbucketTest, AnAnswerWithoutAKeyIsAGateways) {
  for (const char* body : {"", "{}", "[]", R"({"key":null})", R"({"key":"")"}) {
    EXPECT_THAT(StatusOfWrite(Reply(200, body)),
                StatusIs(StatusCode::kUnavailable))
        << body;
  }
}

TEST_F(BitbucketTest, AnIdMayBeMissing) {
  http_.When("POST", _).Return(
      Reply(201, absl::StrCat(R"({"key":")", kKey, R"("})")));
  EXPECT_EQ(Set()->forge_id, "");
}

TEST_F(BitbucketTest, ATokenWithAColonIsAUserAndAToken) {
  EXPECT_EQ(
      AuthorizationOf("me@example.com:ATATT3x"),
      absl::StrCat("Basic ", absl::Base64Escape("me@example.com:ATATT3x")));
  EXPECT_EQ(AuthorizationOf("ATCTT3x=1"), "Bearer ATCTT3x=1");
  for (const char* token : {"a:b:c", ":b", "a:", "::"}) {
    token_ = token;
    EXPECT_THAT(Set(), StatusIs(StatusCode::kInvalidArgument,
                                AllOf(HasSubstr("flux-system/forge"),
                                      Not(HasSubstr(token)))));
  }
}

TEST_F(BitbucketTest, AUsernameAndPasswordStandInForAToken) {
  ForgeCall::Target target = MakeCall(kAddress).target();
  target.access.credential.token = "";
  target.access.credential.username = "me";
  target.access.credential.password = "pass:word";
  ForgeCall call(target, http_, clock_, metrics_);
  EXPECT_THAT(RunSync(SetStatus(*bitbucket_, call, Intent(), false)), IsOk());
  EXPECT_EQ(http_.calls().back().headers.Find("Authorization"),
            absl::StrCat("Basic ", absl::Base64Escape("me:pass:word")));

  target.access.credential.username = "";
  ForgeCall without(target, http_, clock_, metrics_);
  EXPECT_THAT(
      RunSync(SetStatus(*bitbucket_, without, Intent(), false)),
      StatusIs(StatusCode::kUnauthenticated, HasSubstr("flux-system/forge")));
}

TEST_F(BitbucketTest, WhatQuotesTheHeaderIsMasked) {
  token_ = "me@example.com:ATATT3xFfGF0";
  const std::string encoded = absl::Base64Escape(token_);
  EXPECT_THAT(
      StatusOfWrite(Reply(401, absl::StrCat(R"({"error":{"message":"bad )",
                                            encoded, R"("}})"))),
      StatusIs(StatusCode::kUnauthenticated,
               AllOf(HasSubstr("bad ***"), Not(HasSubstr(encoded)))));
}

TEST_F(BitbucketTest, ARefusedAppPasswordIsToldThatItsTimeIsOver) {
  const HttpResult refusal = Reply(401, R"({"error":{"message":"no"}})");
  token_ = "me:app-passw0rd";
  EXPECT_THAT(StatusOfWrite(refusal),
              StatusIs(StatusCode::kUnauthenticated,
                       HasSubstr("app passwords were switched off")));
  for (const char* token : {"me@example.com:ATATT3xFfGF0", "ATCTT3xFfGN0"}) {
    token_ = token;
    EXPECT_THAT(StatusOfWrite(refusal), StatusIs(StatusCode::kUnauthenticated,
                                                 Not(HasSubstr("app passw"))));
  }
}

TEST_F(BitbucketTest, SaysWhichScopeIsMissing) {
  EXPECT_THAT(
      StatusOfWrite(Reply(
          403, R"({"type":"error","error":{"message":"Your credentials lack )"
               R"(one or more required privilege scopes.","detail":{)"
               R"("required":["repository:write"],"granted":["account"]}}})")),
      StatusIs(StatusCode::kPermissionDenied,
               EndsWith("scopes.; required: repository:write")));
}

TEST_F(BitbucketTest, ThereIsOneApiUnlessTheHostIsAStandIn) {
  for (const char* address :
       {"git@bitbucket.org:w/r.git", "http://bitbucket.org/w/r",
        "ssh://git@altssh.bitbucket.org:443/w/r.git"}) {
    EXPECT_THAT(Set(address), IsOk());
    EXPECT_THAT(http_.calls().back().url,
                StartsWith("https://api.bitbucket.org/2.0/repositories/w/r/"));
  }
  EXPECT_THAT(Set("http://127.0.0.1:8081/w/r"), IsOk());
  EXPECT_THAT(http_.calls().back().url,
              StartsWith("http://127.0.0.1:8081/2.0/repositories/w/r/"));
  EXPECT_THAT(Set("https://notbitbucket.org/w/r"), IsOk());
  EXPECT_THAT(http_.calls().back().url,
              StartsWith("https://notbitbucket.org/2.0/"));
}

TEST_F(BitbucketTest, NamesThatUrlsCannotHoldAreEscaped) {
  EXPECT_THAT(Set("https://bitbucket.org/w/a%3Fb%7Bc%7D"), IsOk());
  EXPECT_THAT(http_.calls().back().url, HasSubstr("/w/a%3Fb%7Bc%7D/commit/"));
}

TEST_F(BitbucketTest, ALimitThatNamesNoTimeLastsAMinute) {
  const absl::Status status = StatusOfWrite(
      Reply(429,
            R"({"type":"error","error":{"message":)"
            R"("Rate limit for this resource has been exceeded"}})",
            {{"X-RateLimit-Limit", "1000"}, {"X-RateLimit-Resource", "api"}}));
  EXPECT_THAT(status, StatusIs(StatusCode::kResourceExhausted,
                               HasSubstr("for this resource")));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(60));
  EXPECT_FALSE(rate_limit_);  // it does not say what is left
}

TEST_F(BitbucketTest, SaysWhichFieldIsWrongOnce) {
  EXPECT_THAT(
      StatusOfWrite(
          Reply(400, R"({"type":"error","error":{"message":"Bad request",)"
                     R"("fields":{"url":["Enter a valid URL."],"odd":7}}})")),
      StatusIs(StatusCode::kInvalidArgument,
               EndsWith("HTTP 400: Bad request; url: Enter a valid URL.")));
  EXPECT_THAT(
      StatusOfWrite(
          Reply(400, R"({"type":"error","error":{"message":"key: too long",)"
                     R"("fields":{"key":["too long"]}}})")),
      StatusIs(StatusCode::kInvalidArgument, EndsWith("400: key: too long")));
}

TEST_F(BitbucketTest, AnUnknownCommitIsFoundOutByWriting) {
  EXPECT_THAT(StatusOfWrite(Reply(404, kNotFound)),
              StatusIs(StatusCode::kNotFound, HasSubstr("Resource not found")));
  EXPECT_THAT(List(*bitbucket_, kAddress), StatusIs(StatusCode::kNotFound));
}

TEST_F(BitbucketTest, ListsPageAfterPageTheNewestOfEachKey) {
  const std::string next =
      absl::StrCat(kCommit, "/statuses?pagelen=100&page=xYz");
  http_.When("GET", absl::StrCat(kCommit, "/statuses?pagelen=100"))
      .Return(Reply(
          200, absl::StrCat(R"({"values":[)",
                            Entry("a", "FAILED", "2026-11-21T09:00:01.5+00:00"),
                            ",", Entry("b", "INPROGRESS"), R"(],"next":")",
                            next, R"("})")));
  http_.When("GET", next)
      .Return(Reply(
          200, absl::StrCat(R"({"values":[)", Entry("a", "SUCCESSFUL"), "]}")));
  const auto listed = List(*bitbucket_, kAddress);
  ASSERT_THAT(listed, IsOk());
  ASSERT_EQ(listed->size(), 2);
  for (const ForgeStatus& status : *listed) {
    EXPECT_EQ(status.state, status.context == "a" ? "FAILED" : "INPROGRESS");
    EXPECT_EQ(status.name, "kustomization/app");
  }
}

TEST_F(BitbucketTest, FollowsNoPageOutOfTheList) {
  for (const char* next :
       {"https://evil.example.com/2.0/x", "http://api.bitbucket.org/2.0/x",
        "https://api.bitbucket.org/2.0@evil.example.com/", "/2.0/x",
        "https://api.bitbucket.org/2.0/user?page=2", "?page=2",
        "https://api.bitbucket.org/2.0/repositories/Work-Space/repo/commit/"
        "5394cb7f48332b2de7c17dd8b8384bbc84b7e738/statuses?a#b"}) {
    const size_t before = http_.calls().size();
    http_.When("GET", _).Return(
        Reply(200, absl::StrCat(R"({"values":[],"next":")", next, R"("})")));
    EXPECT_THAT(List(*bitbucket_, kAddress),
                StatusIs(StatusCode::kUnavailable));
    EXPECT_EQ(http_.calls().size(), before + 1);
  }
}

TEST_F(BitbucketTest, ReadsNoMoreThanTwentyPages) {
  http_.When("GET", _).Return(
      Reply(200, absl::StrCat(R"({"values":[],"next":")", kCommit,
                              R"(/statuses?page=again"})")));
  EXPECT_THAT(List(*bitbucket_, kAddress), IsOk());
  EXPECT_EQ(http_.calls().size(), 20);
}

TEST_F(BitbucketTest, AListThatIsNoneIsAGateways) {
  for (const char* body :
       {"", "{}", "[]", R"({"values":null})", "<html>", R"({"values":[{}]})",
        R"({"values":[7]})", R"({"values":[],"next":7})"}) {
    http_.When("GET", _).Return(Reply(200, body));
    EXPECT_THAT(List(*bitbucket_, kAddress), StatusIs(StatusCode::kUnavailable))
        << body;
  }
}

}  // namespace
}  // namespace lamplighter::provider
