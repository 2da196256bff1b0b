#include "services/provider/forges/gitea/gitea.h"

#include <memory>
#include <string>

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
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kAddress[] = "https://gitea.example.com/org/repo";
constexpr char kNone[] = R"({"state":"","statuses":null})";

class GiteaTest : public ForgeFixture {
 protected:
  GiteaTest() : ForgeFixture("gitea") {
    http_.When("GET", _).Return(Reply(200, kNone));
    http_.When("POST", _).Return(Reply(201, R"({"id":5})"));
  }

  absl::StatusOr<SetStatusResult> Set(bool known_different = false,
                                      const std::string& address = kAddress) {
    return ForgeFixture::Set(*gitea_, address, SomeIntent(), known_different);
  }

  std::unique_ptr<Forge> gitea_ = MakeGitea();
};

std::string Entry(int id, const std::string& state,
                  const std::string& context = "kustomization/app/0c9c2e41") {
  return absl::StrCat(R"({"id":)", id, R"(,"status":")", state,
                      R"(","context":")", context,
                      R"(","description":"reconciliation succeeded",)",
                      R"("target_url":"https://example.com/app"})");
}

TEST_F(GiteaTest, SpeaksItsApi) {
  EXPECT_EQ(Set()->forge_id, "5");
  ASSERT_EQ(http_.calls().size(), 2);
  const HttpCall& read = http_.calls()[0];
  EXPECT_EQ(read.url,
            absl::StrCat("https://gitea.example.com/api/v1/repos/org/repo/"
                         "commits/",
                         kSha, "/status?limit=50&page=1"));
  EXPECT_EQ(read.headers.Find("Authorization"), absl::StrCat("token ", kToken));
  const HttpCall& write = http_.calls()[1];
  EXPECT_EQ(write.url,
            absl::StrCat("https://gitea.example.com/api/v1/repos/org/repo/"
                         "statuses/",
                         kSha));
  EXPECT_EQ(write.body,
            R"({"state":"success","target_url":"https://example.com/app",)"
            R"("description":"reconciliation succeeded",)"
            R"("context":"kustomization/app/0c9c2e41"})");
}

TEST_F(GiteaTest, MayBeServedBelowAPath) {
  EXPECT_THAT(Set(false, "http://127.0.0.1:3000/git/lab/o/r"), IsOk());
  EXPECT_THAT(http_.calls().back().url,
              StartsWith("http://127.0.0.1:3000/git/lab/api/v1/repos/o/r/"));
}

TEST_F(GiteaTest, TheGreatestIdIsTheNewest) {
  http_.When("GET", _).Return(Reply(
      200, absl::StrCat(R"({"statuses":[)", Entry(9, "failure"), ",",
                        Entry(10, "success"), ",", Entry(8, "error"), "]}")));
  const auto result = Set();
  EXPECT_FALSE(result->written);
  EXPECT_EQ(result->forge_id, "10");
}

TEST_F(GiteaTest, ContextsDoNotIgnoreCase) {
  http_.When("GET", _)
      .Return(Reply(
          200, absl::StrCat(R"({"statuses":[)",
                            Entry(1, "success", "Kustomization/App/0c9c2e41"),
                            "]}")))
      .Then(Reply(200, kNone));
  EXPECT_TRUE(Set()->written);
}

TEST_F(GiteaTest, OnlyAnEmptyPageIsTheLast) {
  http_.When("GET", HasSubstr("&page=1"))
      .Return(Reply(200, absl::StrCat(R"({"statuses":[)",
                                      Entry(1, "success", "other"), "]}")));
  http_.When("GET", HasSubstr("&page=2"))
      .Return(Reply(
          200, absl::StrCat(R"({"statuses":[)", Entry(2, "success"), "]}")));
  EXPECT_FALSE(Set()->written);
}

TEST_F(GiteaTest, OldOnesSayNothingWhereThereIsNone) {
  http_.When("GET", _).Return(200);
  EXPECT_TRUE(Set()->written);
}

TEST_F(GiteaTest, A500IsAnUnknownCommitIfTheCommitIs) {
  http_.When("POST", _).Return(Reply(500, R"({"message":"","url":"x"})"));
  http_
      .When("GET",
            HasSubstr(absl::StrCat("/repos/org/repo/git/commits/", kSha)))
      .Return(404);
  EXPECT_THAT(Set(/*known_different=*/true), StatusIs(StatusCode::kNotFound));
}

TEST_F(GiteaTest, A500IsOtherwiseATrouble) {
  http_.When("POST", _).Return(Reply(500, R"({"message":"","url":"x"})"));
  http_.When("GET", HasSubstr("/git/commits/")).Return(200);
  EXPECT_THAT(Set(/*known_different=*/true),
              StatusIs(StatusCode::kUnavailable));
  http_.When("POST", _).Return(Reply(500, R"({"message":"disk full"})"));
  EXPECT_THAT(Set(/*known_different=*/true),
              StatusIs(StatusCode::kUnavailable, HasSubstr("disk full")));
  http_.When("GET", HasSubstr("/git/commits/")).Return(503);
  EXPECT_THAT(Set(/*known_different=*/true),
              StatusIs(StatusCode::kUnavailable, HasSubstr("disk full")));
}

TEST_F(GiteaTest, CutsDescriptionsAt255Characters) {
  v1::StatusIntent intent = SomeIntent();
  intent.set_description(std::string(300, 'x'));
  EXPECT_EQ(gitea_->Render(intent)->description, std::string(254, 'x') + "…");
}

TEST_F(GiteaTest, KnowsItsOwnWordsToo) {
  EXPECT_EQ(gitea_->StateOf("warning"), v1::FAILURE);
  EXPECT_EQ(gitea_->StateOf("skipped"), v1::SUCCESS);
}

}  // namespace
}  // namespace lamplighter::provider
