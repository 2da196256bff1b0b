// Repositories, webhooks and credentials.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/gitea/gitea.h"
#include "services/provider/forges/testing/forge_fixture.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Repository = v1::CatalogRepository;
using Verdicts = v1::CheckCredentialResponse;

constexpr char kSite[] = "https://gitea.example.com";
constexpr char kAddress[] = "https://gitea.example.com/org/repo";
constexpr char kList[] =
    "https://gitea.example.com/api/v1/user/repos?limit=50&page=";
constexpr char kHooks[] =
    "https://gitea.example.com/api/v1/repos/org/repo/hooks";

constexpr char kRepository[] =
    R"({"id":7,"name":"Repo","full_name":"Org/Repo","description":"a\nb",)"
    R"("owner":{"id":9,"login":"Org","visibility":"public"},"private":false,)"
    R"("internal":false,"empty":false,"archived":false,"fork":false,)"
    R"("default_branch":"trunk","html_url":"https://gitea.example.com/Org/Repo")"
    R"(,"clone_url":"https://gitea.example.com/Org/Repo.git",)"
    R"("updated_at":"2026-11-21T10:00:00+01:00",)"
    R"("permissions":{"admin":false,"push":true,"pull":true}})";

// A webhook as it should be.
constexpr char kHook[] =
    R"({"id":3,"type":"gitea","active":true,"branch_filter":"*",)"
    R"("config":{"content_type":"json","url":"https://hooks.example.com/x"},)"
    R"("events":["pull_request_sync","create","delete","push",)"
    R"("pull_request","pull_request_label"]})";

class GiteaAccountTest : public ForgeFixture {
 protected:
  GiteaAccountTest() : ForgeFixture("gitea") {
    wanted_.url = "https://hooks.example.com/x";
    wanted_.secret = "the-webhook-secret";
  }

  absl::StatusOr<RepositoryPage> ListPage(const std::string& token = "") {
    ForgeCall call = MakeAccountCall(kSite);
    return RunSync(gitea_->ListRepositories(call, token, ""));
  }

  // kRepository with `from` replaced by `to`.
  Repository Read(const std::string& from, const std::string& to) {
    const std::string entry = absl::StrReplaceAll(kRepository, {{from, to}});
    EXPECT_NE(entry, kRepository);
    http_.When("GET", _).Return(Reply(200, absl::StrCat("[", entry, "]")));
    return ListPage()->repositories.at(0);
  }

  // The token of the page after one that was answered with these headers.
  std::string NextAfter(
      std::vector<std::pair<std::string, std::string>> headers,
      const std::string& body = absl::StrCat("[", kRepository, "]")) {
    http_.When("GET", _).Return(Reply(200, body, std::move(headers)));
    return ListPage("3")->next;
  }

  absl::StatusOr<std::vector<ForgeWebhook>> ListWebhooks() {
    ForgeCall call = MakeCall(kAddress);
    return RunSync(gitea_->ListWebhooks(call, wanted_, {}));
  }

  std::string Difference(const std::string& from, const std::string& to) {
    const std::string hook = absl::StrReplaceAll(kHook, {{from, to}});
    EXPECT_NE(hook, kHook);
    http_.When("GET", _).Return(
        Reply(200, absl::StrCat("[", hook, "]"), {{"X-Total-Count", "1"}}));
    return ListWebhooks()->at(0).difference;
  }

  absl::StatusOr<std::string> WriteWebhook(const std::string& id = "") {
    ForgeCall call = MakeCall(kAddress);
    return RunSync(gitea_->WriteWebhook(call, wanted_, "", id));
  }

  absl::StatusOr<v1::CheckCredentialResponse> Check(bool of_repository) {
    ForgeCall call =
        of_repository ? MakeCall(kAddress) : MakeAccountCall(kSite);
    return RunSync(gitea_->CheckCredential(call));
  }

  void Knows(const std::string& permissions) {
    http_.When("GET", EndsWith("/user"))
        .Return(Reply(200, R"({"id":2,"login":"ada"})"));
    http_.When("GET", EndsWith("/version"))
        .Return(Reply(200, R"({"version":"1.25.4"})"));
    http_.When("GET", EndsWith("/user/repos?limit=1")).Return(Reply(200, "[]"));
    http_.When("GET", EndsWith("/repos/org/repo"))
        .Return(
            Reply(200, absl::StrCat(R"({"permissions":)", permissions, "}")));
  }

  // As Gitea says that a token's scopes do not suffice.
  HttpResult OutOfScope() {
    return Reply(403, R"({"message":"token does not have at least one of )"
                      R"(required scope(s), required=[read:user]"})");
  }

  WantedWebhook wanted_;
  std::unique_ptr<Forge> gitea_ = MakeGitea();
};

TEST_F(GiteaAccountTest, ListsWhatItsUserReaches) {
  http_.When("GET", _).Return(Reply(200, absl::StrCat("[", kRepository, "]"),
                                    {{"X-Total-Count", "1"}}));
  const auto page = ListPage();
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(http_.calls()[0].url, absl::StrCat(kList, "1"));
  EXPECT_EQ(page->next, "");
  EXPECT_EQ(page->total, 1);
  ASSERT_EQ(page->repositories.size(), 1);
  const Repository& repository = page->repositories[0];
  EXPECT_EQ(repository.repository_id(), "gitea.example.com/org/repo");
  EXPECT_EQ(repository.forge_id(), "7");
  EXPECT_EQ(repository.path(), "Org/Repo");
  EXPECT_EQ(repository.name(), "Repo");
  EXPECT_EQ(repository.group(), "Org");
  EXPECT_EQ(repository.group_forge_id(), "9");
  EXPECT_EQ(repository.description(), "a b");
  EXPECT_EQ(repository.web_url(), "https://gitea.example.com/Org/Repo");
  EXPECT_EQ(repository.clone_url(), "https://gitea.example.com/Org/Repo.git");
  EXPECT_EQ(repository.default_branch(), "trunk");
  EXPECT_EQ(repository.visibility(), Repository::PUBLIC);
  EXPECT_FALSE(repository.archived());
  EXPECT_FALSE(repository.fork());
  EXPECT_EQ(repository.access(), Repository::WRITE);
  EXPECT_EQ(repository.updated_at().seconds(), 1795251600);
}

TEST_F(GiteaAccountTest, ReadsWhatIsOtherwise) {
  EXPECT_EQ(Read(R"("private":false)", R"("private":true)").visibility(),
            Repository::PRIVATE);
  EXPECT_EQ(Read(R"("visibility":"public")", R"("visibility":"limited")")
                .visibility(),
            Repository::INTERNAL);
  EXPECT_EQ(Read(R"("visibility":"public")", R"("visibility":"private")")
                .visibility(),
            Repository::PRIVATE);
  EXPECT_EQ(Read(R"("empty":false)", R"("empty":true)").default_branch(), "");
  EXPECT_TRUE(Read(R"("archived":false)", R"("archived":true)").archived());
  EXPECT_TRUE(Read(R"("fork":false)", R"("fork":true)").fork());
  EXPECT_EQ(Read(R"("admin":false)", R"("admin":true)").access(),
            Repository::ADMIN);
  EXPECT_EQ(Read(R"("push":true)", R"("push":false)").access(),
            Repository::READ);
  EXPECT_EQ(Read(R"("permissions":)", R"("other":)").access(),
            Repository::ACCESS_UNSPECIFIED);
}

TEST_F(GiteaAccountTest, GoesOnWhereLinkSaysSoWhateverItsHost) {
  EXPECT_EQ(NextAfter({{"Link",
                        "<http://localhost:3000/x?page=9>; "
                        "rel=\"next\",<http://y>; rel=\"last\""}}),
            "4");
  EXPECT_EQ(NextAfter({{"Link", "<http://x>; rel=\"first\""},
                       {"X-Total-Count", "101"}}),
            "");
}

TEST_F(GiteaAccountTest, GoesOnUntilItHasAllWhereAProxyTakesLinkAway) {
  EXPECT_EQ(NextAfter({{"X-Total-Count", "101"}}), "4");
  EXPECT_EQ(NextAfter({{"X-Total-Count", "1"}}), "");
  EXPECT_EQ(NextAfter({}), "4");
  EXPECT_EQ(NextAfter({{"X-Total-Count", "101"}}, "[]"), "");
}

TEST_F(GiteaAccountTest, ATokenIsThePagesNumber) {
  http_.When("GET", _).Return(Reply(200, "[]"));
  EXPECT_THAT(ListPage("12"), IsOk());
  EXPECT_EQ(http_.calls()[0].url, absl::StrCat(kList, "12"));
  for (const char* token : {"0", "-1", "1&sudo=root", "../x", "x", "1 "}) {
    EXPECT_THAT(ListPage(token), StatusIs(StatusCode::kInvalidArgument,
                                          StartsWith("page_token: ")));
  }
  EXPECT_EQ(http_.calls().size(), 1);
}

TEST_F(GiteaAccountTest, WhatIsNoListIsNoEmptyPage) {
  for (const char* body :
       {"", "<html>sorry</html>", "{}", R"([{"id":7)", "[null]",
        R"([{"id":7}])", R"([{"full_name":"a/b"}])"}) {
    http_.When("GET", _).Return(Reply(200, body));
    EXPECT_THAT(ListPage(), StatusIs(StatusCode::kUnavailable)) << body;
    EXPECT_THAT(ListWebhooks(), StatusIs(StatusCode::kUnavailable)) << body;
  }
  http_.When("GET", _).Return(Reply(401, R"({"message":"bad token"})"));
  EXPECT_THAT(ListPage(), StatusIs(StatusCode::kUnauthenticated));
  http_.When("GET", _).Return(OutOfScope());
  EXPECT_THAT(ListPage(), StatusIs(StatusCode::kPermissionDenied,
                                   HasSubstr("required=[read:user]")));
}

TEST_F(GiteaAccountTest, ListsWebhooksByTheirCount) {
  http_.When("GET", absl::StrCat(kHooks, "?limit=50&page=1"))
      .Return(
          Reply(200, absl::StrCat("[", kHook, "]"), {{"X-Total-Count", "2"}}));
  http_.When("GET", absl::StrCat(kHooks, "?limit=50&page=2"))
      .Return(Reply(200, R"([{"id":4,"config":{"url":"https://other"}}])",
                    {{"X-Total-Count", "2"}}));
  const auto webhooks = ListWebhooks();
  ASSERT_EQ(webhooks->size(), 2);
  EXPECT_EQ(webhooks->at(0).id, "3");
  EXPECT_EQ(webhooks->at(0).url, wanted_.url);
  EXPECT_EQ(webhooks->at(0).difference, "");
  EXPECT_EQ(webhooks->at(1).url, "https://other");
  EXPECT_EQ(http_.calls().size(), 2);
}

TEST_F(GiteaAccountTest, ListsWebhooksUntilNoneComeWhereNothingIsCounted) {
  http_.When("GET", _)
      .Return(Reply(200, absl::StrCat("[", kHook, "]")))
      .Then(Reply(200, "[]"));
  EXPECT_EQ(ListWebhooks()->size(), 1);
  http_.When("GET", _).Return(Reply(200, absl::StrCat("[", kHook, "]")));
  EXPECT_THAT(ListWebhooks(), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_F(GiteaAccountTest, SaysHowAWebhookIsNotAsWanted) {
  EXPECT_EQ(Difference(R"("active":true)", R"("active":false)"),
            "is not active");
  EXPECT_EQ(Difference(R"("create",)", ""), "does not send create");
  EXPECT_EQ(Difference(R"("pull_request_sync",)", ""),
            "does not send pull_request_sync");
  EXPECT_EQ(Difference(R"(content_type":"json)", R"(content_type":"form)"),
            "does not send JSON");
  EXPECT_EQ(Difference(R"(filter":"*")", R"(filter":"main")"),
            "sends some branches only");
  EXPECT_EQ(Difference(R"(filter":"*")", R"(filter":"")"), "");
  EXPECT_EQ(Difference(R"(type":"gitea")", R"(type":"slack")"),
            "is of type slack");
  EXPECT_EQ(Difference(R"(type":"gitea")", R"(type":"forgejo")"), "");
}

TEST_F(GiteaAccountTest, CreatesAWebhookThatIsActive) {
  http_.When("POST", kHooks).Return(Reply(201, kHook));
  EXPECT_EQ(WriteWebhook().value(), "3");
  EXPECT_EQ(http_.calls()[0].body,
            R"({"type":"gitea","active":true,"events":["push","create",)"
            R"("delete","pull_request"],"branch_filter":"*","config":{)"
            R"("url":"https://hooks.example.com/x","content_type":"json",)"
            R"("secret":"the-webhook-secret"}})");
}

TEST_F(GiteaAccountTest, ReplacesAWebhookSoThatItHasTheSecret) {
  http_.When("POST", kHooks).Return(Reply(201, kHook));
  http_.When("DELETE", absl::StrCat(kHooks, "/2")).Return(204);
  EXPECT_EQ(WriteWebhook("2").value(), "3");
  EXPECT_EQ(http_.calls().back().method, "DELETE");
}

TEST_F(GiteaAccountTest, LeavesNoWebhookThatIsNotAsWanted) {
  http_.When("POST", kHooks)
      .Return(Reply(201, absl::StrReplaceAll(kHook, {{R"("active":true)",
                                                      R"("active":false)"}})));
  http_.When("DELETE", absl::StrCat(kHooks, "/3")).Return(204);
  EXPECT_THAT(WriteWebhook("2"), StatusIs(StatusCode::kFailedPrecondition,
                                          EndsWith("is not active")));
  EXPECT_EQ(http_.calls().size(), 2);
}

TEST_F(GiteaAccountTest, NeverQuotesTheWebhooksSecret) {
  http_.When("POST", kHooks)
      .Return(Reply(422, R"({"message":"bad the-webhook-secret"})"));
  EXPECT_THAT(WriteWebhook(),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("bad ***")));
}

TEST_F(GiteaAccountTest, AWebhookThatIsNotThereIsDeleted) {
  ForgeCall call = MakeCall(kAddress);
  http_.When("DELETE", absl::StrCat(kHooks, "/3")).Return(404).Then(403);
  EXPECT_THAT(RunSync(gitea_->DeleteWebhook(call, "3")), IsOk());
  EXPECT_THAT(RunSync(gitea_->DeleteWebhook(call, "3")),
              StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(GiteaAccountTest, TellsOfATokenWhatGiteaTells) {
  Knows(R"({"admin":true,"push":true,"pull":true})");
  for (const bool of_repository : {false, true}) {
    const auto said = Check(of_repository);
    ASSERT_THAT(said, IsOk());
    EXPECT_EQ(said->login(), "ada");
    EXPECT_EQ(said->kind(), "access token");
    EXPECT_EQ(said->forge_version(), "1.25.4");
    EXPECT_EQ(said->can_list_repositories(), Verdicts::YES);
    EXPECT_EQ(said->can_set_statuses(), Verdicts::VERDICT_UNSPECIFIED);
    EXPECT_EQ(said->can_manage_webhooks(), Verdicts::VERDICT_UNSPECIFIED);
    EXPECT_THAT(said->problems(), IsEmpty());
  }
}

TEST_F(GiteaAccountTest, SaysWhichRightsOfTheUserAreMissing) {
  Knows(R"({"admin":false,"push":true,"pull":true})");
  auto said = Check(/*of_repository=*/true);
  EXPECT_EQ(said->can_set_statuses(), Verdicts::VERDICT_UNSPECIFIED);
  EXPECT_EQ(said->can_manage_webhooks(), Verdicts::NO);
  EXPECT_THAT(said->problems(), ElementsAre(HasSubstr("administrator")));
  Knows(R"({"admin":false,"push":false,"pull":true})");
  said = Check(/*of_repository=*/true);
  EXPECT_EQ(said->can_set_statuses(), Verdicts::NO);
  EXPECT_EQ(said->problems_size(), 2);
  http_.When("GET", EndsWith("/repos/org/repo")).Return(404);
  said = Check(/*of_repository=*/true);
  EXPECT_THAT(said->problems(),
              ElementsAre(HasSubstr("sees no repository org/repo")));
}

TEST_F(GiteaAccountTest, SaysWhichScopesOfTheTokenAreMissing) {
  Knows("null");
  for (const char* refused : {"/user", "/user/repos?limit=1", "/org/repo"}) {
    http_.When("GET", EndsWith(refused)).Return(OutOfScope());
  }
  const auto said = Check(/*of_repository=*/true);
  ASSERT_THAT(said, IsOk());
  EXPECT_EQ(said->login(), "");
  EXPECT_EQ(said->can_list_repositories(), Verdicts::NO);
  ASSERT_EQ(said->problems_size(), 3);
  for (const std::string& problem : said->problems()) {
    EXPECT_THAT(problem, HasSubstr("required=[read:user]"));
    EXPECT_THAT(problem, EndsWith("read:user and write:repository."));
  }
}

TEST_F(GiteaAccountTest, ACredentialThatIsRefusedIsAnError) {
  http_.When("GET", _).Return(401);
  EXPECT_THAT(Check(false), StatusIs(StatusCode::kUnauthenticated));
  Knows("{}");
  http_.When("GET", EndsWith("/user")).Return(Reply(200, "<html>"));
  EXPECT_THAT(Check(false), StatusIs(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace lamplighter::provider
