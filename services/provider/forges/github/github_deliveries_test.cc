#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/provider/forges/github/github.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kAddress[] = "https://github.com/org/repo";
constexpr char kList[] =
    "https://api.github.com/repos/org/repo/hooks/12/deliveries";

class GitHubDeliveriesTest : public ForgeFixture {
 protected:
  GitHubDeliveriesTest() : ForgeFixture("github") {}

  absl::StatusOr<DeliveryPage> List(const std::string& page = "") {
    ForgeCall call = MakeCall(kAddress);
    return RunSync(github_->ListDeliveries(call, "12", page));
  }
  std::string Delivery(const std::string& fields,
                       absl::Duration ago = absl::Hours(1)) {
    return absl::StrCat(
        R"({"id":9007199254740993,"guid":"g","delivered_at":")",
        absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", clock_.Now() - ago,
                         absl::UTCTimeZone()),
        R"(",)", fields, "}");
  }

  std::unique_ptr<Forge> github_ = MakeGitHub();
};

TEST_F(GitHubDeliveriesTest, OnlyA2xxIsASuccess) {
  const auto listed = [&](absl::string_view code) {
    http_.When("GET", HasSubstr("/deliveries"))
        .Return(Reply(
            200,
            absl::StrCat("[", Delivery(absl::StrCat(R"("status_code":)", code)),
                         "]")));
    return List()->deliveries.at(0);
  };
  for (const char* code : {"200", "202", "204"}) {
    EXPECT_FALSE(listed(code).has_failed) << code;
  }
  for (const char* code : {"0", "301", "404", "502", "null"}) {
    EXPECT_TRUE(listed(code).has_failed) << code;
  }
  EXPECT_EQ(listed("0").id, 9007199254740993) << "is no double";
}

TEST_F(GitHubDeliveriesTest, FollowsTheCursor) {
  http_.When("GET", absl::StrCat(kList, "?per_page=100"))
      .Return(Reply(200, "[]",
                    {{"Link",
                      "<https://x/hooks/12/deliveries?per_page=100&"
                      "cursor=v1_12%3D>; rel=\"next\""}}));
  http_.When("GET", absl::StrCat(kList, "?per_page=100&cursor=v1_12%3D"))
      .Return(Reply(200, "[]"));
  const auto first = List();
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(List(first->next)->next, "");
}

TEST_F(GitHubDeliveriesTest, EndsWhereTheyAreTooOld) {
  http_.When("GET", HasSubstr("/deliveries"))
      .Return(Reply(
          200,
          absl::StrCat("[", Delivery(R"("status_code":0)", absl::Hours(71)),
                       ",", Delivery(R"("status_code":0)", absl::Hours(73)),
                       "]"),
          {{"Link", "<https://x?cursor=2>; rel=\"next\""}}));
  const auto page = List();
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(page->deliveries, SizeIs(1));
  EXPECT_THAT(page->next, IsEmpty());
}

TEST_F(GitHubDeliveriesTest, WhatIsNoListIsTrouble) {
  for (const char* body : {"", "{}", "<html>", "[{}]", R"([{"id":1}])",
                           R"([{"id":"1","guid":"g"}])"}) {
    http_.When("GET", HasSubstr("/deliveries")).Return(Reply(200, body));
    EXPECT_THAT(List(), StatusIs(StatusCode::kUnavailable)) << body;
  }
}

TEST_F(GitHubDeliveriesTest, AWebhookOfAnOrganizationThatMayNotBeSeenIsNone) {
  const auto find = [&] {
    ForgeCall call = MakeAccountCall("https://github.com/org");
    return RunSync(github_->FindAccountWebhook(call, "https://hook"));
  };
  http_.When("GET", HasSubstr("/orgs/org/hooks"))
      .Return(Reply(404))
      .Then(Reply(403))
      .Then(Reply(401))
      .Then(Reply(200, R"([{"id":4,"config":{"url":"https://other"}},)"
                       R"({"id":5,"config":{"url":"https://hook"}}])"));
  EXPECT_EQ(find().value(), "");
  EXPECT_EQ(find().value(), "");
  EXPECT_THAT(find(), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_EQ(find().value(), "/orgs/org/hooks/5");
}

}  // namespace
}  // namespace lamplighter::provider
