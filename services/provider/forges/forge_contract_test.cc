// What every forge must do in the same way. A new one adds its Wire.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/grpc/retry_info.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/forges.h"
#include "services/provider/forges/testing/forge_fixture.h"
#include "services/provider/forges/testing/forge_wires.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ForgeContractTest : public ForgeFixture,
                          public ::testing::WithParamInterface<ForgeFactory> {
 protected:
  ForgeContractTest() : ForgeFixture(std::string(GetParam().provider_type)) {}

  void SetUp() override {
    wire_ = FindWire(GetParam().provider_type);
    ASSERT_NE(wire_, nullptr) << "add a Wire for " << GetParam().provider_type;
    forge_ = GetParam().make();
    Shows({});
    http_.When("POST", StartsWith(wire_->api)).Return(wire_->created());
  }

  // The forge shows these; further pages are empty.
  void Shows(const std::vector<ForgeStatus>& statuses) {
    http_.When("GET", StartsWith(wire_->api))
        .Return(wire_->list(statuses))
        .Then(wire_->list({}));
  }

  // As the forge shows SomeIntent().
  ForgeStatus Shown() {
    ForgeStatus status = forge_->Render(SomeIntent()).value();
    status.id = wire_->shown_id;
    return status;
  }

  absl::StatusOr<SetStatusResult> Set(const v1::StatusIntent& intent,
                                      bool known_different = false) {
    return ForgeFixture::Set(*forge_, wire_->address, intent, known_different);
  }

  int Count(absl::string_view method) {
    int count = 0;
    for (const HttpCall& call : http_.calls()) count += call.method == method;
    return count;
  }

  const Wire* wire_ = nullptr;
  std::unique_ptr<Forge> forge_;
};

TEST_P(ForgeContractTest, WritesWhatIsNotShown) {
  const auto result = Set(SomeIntent());
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->written);
  EXPECT_EQ(Count("POST"), 1);
  EXPECT_GE(Count("GET"), 1);
}

TEST_P(ForgeContractTest, WritesNothingWhereTheSameIsShown) {
  Shows({Shown()});
  const auto result = Set(SomeIntent());
  ASSERT_THAT(result, IsOk());
  EXPECT_FALSE(result->written);
  EXPECT_EQ(result->forge_id, wire_->shown_id);
  EXPECT_EQ(Count("POST"), 0);
}

TEST_P(ForgeContractTest, WritesWhereAnythingDiffers) {
  for (const char* what : {"state", "description", "target_url", "context"}) {
    ForgeStatus shown = Shown();
    if (what == std::string("state")) shown.state = "other";
    if (what == std::string("description")) shown.description = "other";
    if (what == std::string("target_url")) shown.target_url = "https://other";
    if (what == std::string("context")) shown.context = "other";
    Shows({shown});
    const auto result = Set(SomeIntent());
    ASSERT_THAT(result, IsOk());
    EXPECT_TRUE(result->written) << what;
  }
}

TEST_P(ForgeContractTest, DoesNotReadWhatIsKnownToBeDifferent) {
  EXPECT_TRUE(Set(SomeIntent(), /*known_different=*/true)->written);
  EXPECT_EQ(Count("GET"), 0);
  EXPECT_EQ(Count("POST"), 1);
}

TEST_P(ForgeContractTest, WhatStandsInReplacesNoResult) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_state(v1::SUCCESS);
  ForgeStatus shown = forge_->Render(intent).value();
  shown.id = wire_->shown_id;
  intent.mutable_pending_until()->set_seconds(1);
  for (const auto state : {v1::PENDING, v1::ERROR}) {
    Shows({shown});
    intent.set_state(state);
    EXPECT_THAT(Set(intent, /*known_different=*/true),
                StatusIs(StatusCode::kAlreadyExists));
    EXPECT_EQ(Count("POST"), 0);
  }
  Shows({});
  EXPECT_TRUE(Set(intent)->written);
}

TEST_P(ForgeContractTest, AnErrorThatStandsInReplacesWhatIsPending) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_state(v1::PENDING);
  ForgeStatus shown = forge_->Render(intent).value();
  shown.id = wire_->shown_id;
  Shows({shown});
  intent.set_state(v1::ERROR);
  intent.mutable_pending_until()->set_seconds(1);
  EXPECT_TRUE(Set(intent)->written);
}

TEST_P(ForgeContractTest, FindsOutWhetherAWriteWithoutAnAnswerWorked) {
  Shows({Shown()});
  http_.When("POST", StartsWith(wire_->api))
      .Return(absl::DeadlineExceededError("no answer"));
  const auto result = Set(SomeIntent(), /*known_different=*/true);
  ASSERT_THAT(result, IsOk());
  EXPECT_TRUE(result->written);
  EXPECT_EQ(result->forge_id, wire_->shown_id);
  EXPECT_EQ(Count("POST"), 1);
}

TEST_P(ForgeContractTest, AWriteThatCannotBeFoundStaysUnknown) {
  http_.When("POST", StartsWith(wire_->api))
      .Return(absl::DeadlineExceededError("no answer"));
  EXPECT_THAT(Set(SomeIntent(), /*known_different=*/true),
              StatusIs(StatusCode::kDeadlineExceeded));
}

TEST_P(ForgeContractTest, DoesNotLookAgainWhenNoTimeIsLeft) {
  http_.When("POST", StartsWith(wire_->api))
      .Return([&](const HttpCall& call) -> absl::StatusOr<HttpResult> {
        clock_.Advance(call.timeout + absl::Seconds(5));
        return absl::DeadlineExceededError("no answer");
      });
  EXPECT_THAT(Set(SomeIntent(), /*known_different=*/true),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(Count("GET"), 0);
}

TEST_P(ForgeContractTest, NoRequestOutlastsTheCaller) {
  http_.When("GET", StartsWith(wire_->api)).Return([&](const HttpCall& call) {
    EXPECT_EQ(call.timeout, absl::Seconds(15));  // one request's
    clock_.Advance(absl::Seconds(12));
    return wire_->list({});
  });
  http_.When("POST", StartsWith(wire_->api)).Return([&](const HttpCall& call) {
    EXPECT_LE(call.timeout, absl::Seconds(8));  // what is left of the caller's
    return wire_->created();
  });
  Set(SomeIntent()).status().IgnoreError();  // a forge may need two reads
  EXPECT_FALSE(http_.calls().empty());
}

TEST_P(ForgeContractTest, SaysWhatAnErrorMeans) {
  const std::map<int, StatusCode> codes = {
      {301, StatusCode::kNotFound},
      {400, StatusCode::kInvalidArgument},
      {401, StatusCode::kUnauthenticated},
      {403, StatusCode::kPermissionDenied},
      {404, StatusCode::kNotFound},
      {408, StatusCode::kUnavailable},
      {422, StatusCode::kInvalidArgument},
      {429, StatusCode::kResourceExhausted},
      {500, StatusCode::kUnavailable},
      {502, StatusCode::kUnavailable},
      {503, StatusCode::kUnavailable},
  };
  for (const auto& [http_status, code] : codes) {
    const HttpResult answer = Reply(http_status, R"({"message":"because"})");
    for (const std::string method : {"GET", "POST"}) {
      // Where that says that nothing is shown, only the write tells.
      if (method == "GET" && wire_->list({}).status == http_status) continue;
      Shows({});
      http_.When(method, StartsWith(wire_->api)).Return(answer);
      EXPECT_THAT(Set(SomeIntent()), StatusIs(code, HasSubstr("because")))
          << method << " " << http_status;
    }
  }
}

TEST_P(ForgeContractTest, ALimitAlwaysSaysForHowLong) {
  http_.When("POST", StartsWith(wire_->api)).Return(429);
  EXPECT_EQ(RetryAfter(Set(SomeIntent()).status()), wire_->usual_wait);
  http_.When("POST", StartsWith(wire_->api))
      .Return(Reply(429, "", {{"Retry-After", "7"}}));
  EXPECT_EQ(RetryAfter(Set(SomeIntent()).status()), absl::Seconds(7));
}

TEST_P(ForgeContractTest, PassesOnWhenTheForgeHopesToBeBack) {
  http_.When("GET", StartsWith(wire_->api))
      .Return(Reply(503, "", {{"Retry-After", "120"}}));
  const absl::Status status = Set(SomeIntent()).status();
  EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(120));
}

TEST_P(ForgeContractTest, TakesAGatewaysPageForNoAnswer) {
  const std::string page = "<html>sorry</html>";
  http_.When("POST", StartsWith(wire_->api)).Return(Reply(200, page));
  EXPECT_THAT(Set(SomeIntent()), StatusIs(StatusCode::kUnavailable));
  http_.When("GET", StartsWith(wire_->api)).Return(Reply(200, page));
  EXPECT_THAT(Set(SomeIntent()), StatusIs(StatusCode::kUnavailable));
  http_.When("GET", StartsWith(wire_->api)).Return(Reply(502, page));
  EXPECT_THAT(Set(SomeIntent()), StatusIs(StatusCode::kUnavailable));
}

TEST_P(ForgeContractTest, PassesOnWhatTheTransportSays) {
  for (const absl::Status& status :
       {absl::UnavailableError("no connection"),
        absl::InvalidArgumentError("bad proxy"),
        absl::DeadlineExceededError("no answer")}) {
    http_.When("GET", StartsWith(wire_->api)).Return(status);
    EXPECT_THAT(Set(SomeIntent()), StatusIs(status.code()));
  }
  http_.When("GET", StartsWith(wire_->api))
      .Return(absl::OutOfRangeError("too large"));
  EXPECT_THAT(Set(SomeIntent()), StatusIs(StatusCode::kUnavailable));
}

TEST_P(ForgeContractTest, ErrorsAreShortAndNeverHoldTheToken) {
  http_.When("POST", StartsWith(wire_->api))
      .Return(Reply(400, absl::StrCat(R"({"message":"bad token )", kToken,
                                      "\\n", std::string(5000, 'x'), R"("})")));
  const absl::Status status = Set(SomeIntent()).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("bad token ***"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\n")));
  EXPECT_LT(status.message().size(), 250);
}

TEST_P(ForgeContractTest, AsksForATokenBeforeItAsksTheForge) {
  token_ = "";
  EXPECT_THAT(Set(SomeIntent()), StatusIs(StatusCode::kUnauthenticated,
                                          HasSubstr("flux-system/forge")));
  EXPECT_TRUE(http_.calls().empty());
}

TEST_P(ForgeContractTest, TellsTheTokenToNobodyElse) {
  EXPECT_THAT(Set(SomeIntent()), IsOk());
  for (const HttpCall& call : http_.calls()) {
    EXPECT_THAT(call.url, StartsWith(wire_->api));
    EXPECT_THAT(call.url, Not(HasSubstr(kToken)));
    EXPECT_THAT(call.body, Not(HasSubstr(kToken)));
    EXPECT_TRUE(call.headers.Find(wire_->token_header));
  }
}

TEST_P(ForgeContractTest, TextsThatLeaveAreCleanAndMasked) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_description(absl::StrCat("\x1b[1mcloned with ", kToken, "\r\n"));
  intent.set_target_url("javascript:alert(1)");
  EXPECT_THAT(Set(intent), IsOk());
  const std::string& body = http_.calls().back().body;
  EXPECT_THAT(body, HasSubstr("[1mcloned with ***"));
  EXPECT_THAT(body, Not(HasSubstr(kToken)));
  EXPECT_THAT(body, Not(HasSubstr("javascript")));
  EXPECT_THAT(body, Not(HasSubstr("u001")));
}

TEST_P(ForgeContractTest, HasAWordForEachState) {
  for (const auto& [state, word] : wire_->states) {
    v1::StatusIntent intent = SomeIntent();
    intent.set_state(state);
    EXPECT_EQ(forge_->Render(intent)->state, word);
    EXPECT_NE(forge_->StateOf(word), v1::COMMIT_STATE_UNSPECIFIED);
  }
  EXPECT_EQ(forge_->StateOf("what is this"), v1::COMMIT_STATE_UNSPECIFIED);
}

TEST_P(ForgeContractTest, RefusesWhatNoForgeCanShow) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_state(v1::COMMIT_STATE_UNSPECIFIED);
  EXPECT_THAT(Set(intent), StatusIs(StatusCode::kInvalidArgument));
  intent = SomeIntent();
  intent.clear_context();
  EXPECT_THAT(Set(intent), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_TRUE(http_.calls().empty());
}

TEST_P(ForgeContractTest, ListsWhatIsShown) {
  ForgeStatus other = Shown();
  other.context = "other";
  Shows({Shown(), other});
  const auto listed = List(*forge_, wire_->address);
  ASSERT_THAT(listed, IsOk());
  ASSERT_EQ(listed->size(), 2);
  EXPECT_NE((*listed)[0].context, (*listed)[1].context);
  EXPECT_TRUE(ShowsTheSame((*listed)[0], Shown()));
  EXPECT_EQ((*listed)[0].updated_at, absl::FromUnixSeconds(1795251600));
}

TEST_P(ForgeContractTest, CountsEachRequest) {
  EXPECT_THAT(Set(SomeIntent()), IsOk());
  EXPECT_THAT(registry_.Text(),
              HasSubstr(absl::StrCat(
                  R"(lamplighter_provider_requests_total{code=")",
                  wire_->created().status, R"(",operation="write",provider=")",
                  GetParam().provider_type, R"("} 1)")));
}

INSTANTIATE_TEST_SUITE_P(AllForges, ForgeContractTest,
                         ::testing::ValuesIn(AllForges().begin(),
                                             AllForges().end()),
                         [](const auto& info) {
                           return std::string(info.param.provider_type);
                         });

}  // namespace
}  // namespace lamplighter::provider
