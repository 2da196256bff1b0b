// The provider worker's calls to Bitbucket Cloud as they really go over the
// wire.

#include <cstddef>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "tests/forges/fault.h"
#include "tests/forges/provider_on_forge.h"
#include "tests/forges/scripted_bitbucket.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Access = v1::CatalogRepository;
using Verdict = v1::CheckCredentialResponse;

constexpr char kUser[] = "bot@example.com:ATATT3xFfGF0";
constexpr char kAccessToken[] = "ATCTT3xFfGN0";

class ProviderOnBitbucketTest : public ::testing::Test {
 protected:
  void Fail(const std::string& fault) {
    provider_.loop().Do([&] {
      forge_.AddFault(Fault::Parse(fault, Clock::System().Now()).value());
    });
  }

  size_t CallsTo(absl::string_view path) {
    return provider_.loop().Do([&] {
      size_t count = 0;
      for (const ScriptedCall& call : forge_.calls())
        count += call.path == path;
      return count;
    });
  }

  ScriptedBitbucket forge_{{.token = kUser}, Clock::System()};
  ProviderOnForge provider_{
      "bitbucket", forge_, {"/Org/Fleet", ""}, {{"token", kUser}}};
};

TEST_F(ProviderOnBitbucketTest, SetsAndListsStatuses) {
  EXPECT_TRUE(provider_.Set(v1::SUCCESS, std::string(300, 'x'))->written());
  EXPECT_FALSE(provider_.Set(v1::SUCCESS, std::string(300, 'x'))->written());
  EXPECT_TRUE(
      provider_.Set(v1::RUNNING, "b", std::string(999, 'y'))->written());
  for (int i = 0; i < 150; ++i) {
    ASSERT_THAT(provider_.Set(v1::FAILURE, absl::StrCat("c", i), "", true),
                IsOk());
  }
  const auto listed = provider_.List();
  ASSERT_THAT(listed, IsOk());
  EXPECT_EQ(listed->statuses_size(), 152);
}

TEST_F(ProviderOnBitbucketTest, ListsEveryWorkspaceWithTheMostAccessFirst) {
  provider_.loop().Do([&] {
    forge_.AddWorkspace("b", 250);
    forge_.AddWorkspace("a", 5);
  });
  const ProviderOnForge::Listing listing = provider_.ListRepositories();
  ASSERT_THAT(listing.status, IsOk());
  std::map<std::string, Access::Access> first_access;
  for (const auto& page : listing.pages) {
    for (const v1::CatalogRepository& repository : page.repositories()) {
      first_access.emplace(repository.repository_id(), repository.access());
    }
  }
  EXPECT_EQ(first_access.size(), 255);
  const auto access = [&](absl::string_view path) {
    return first_access[absl::StrCat(provider_.host(), "/", path)];
  };
  EXPECT_EQ(access("b/repo-249"), Access::ADMIN);
  EXPECT_EQ(access("b/repo-247"), Access::WRITE);
  EXPECT_EQ(access("b/repo-248"), Access::READ);
  EXPECT_EQ(access("a/repo-0"), Access::ADMIN);
}

TEST_F(ProviderOnBitbucketTest, AListingGoesOnAfterAnyPage) {
  provider_.loop().Do([&] {
    forge_.AddWorkspace("a", 120);
    forge_.AddWorkspace("b", 3);
  });
  const ProviderOnForge::Listing whole = provider_.ListRepositories();
  ASSERT_THAT(whole.status, IsOk());
  size_t before = 0;
  for (const auto& page : whole.pages) {
    v1::ListRepositoriesRequest request;
    request.set_page_token(page.page_token());
    const ProviderOnForge::Listing rest = provider_.ListRepositories(request);
    ASSERT_THAT(rest.status, IsOk());
    EXPECT_EQ(rest.count(), whole.count() - before) << page.page_token();
    before += page.repositories_size();
  }
  EXPECT_EQ(whole.pages.back().next_page_token(), "");
}

TEST_F(ProviderOnBitbucketTest, TroubleAmidAListingIsNoEnd) {
  provider_.loop().Do([&] { forge_.AddWorkspace("a", 900); });
  for (const char* fault : {R"({"status":502,"html":true,"times":1})",
                            R"({"truncated":true,"times":1})",
                            R"({"status":200,"html":true,"times":1})"}) {
    v1::ListRepositoriesRequest request;
    request.set_page_token("a member pagelen=100&role=member&after=64 -");
    Fail(fault);
    EXPECT_THAT(provider_.ListRepositories(request).status,
                StatusIs(StatusCode::kUnavailable))
        << fault;
  }
}

TEST_F(ProviderOnBitbucketTest, AnAccessTokenListsTheWorkspaceOfItsAddress) {
  ScriptedBitbucket forge({.token = kAccessToken}, Clock::System());
  forge.AddRepositories(230);
  ProviderOnForge of_workspace("bitbucket", forge, {"/org/fleet", "/Org"},
                               {{"token", kAccessToken}});
  const ProviderOnForge::Listing wrong_case = of_workspace.ListRepositories();
  EXPECT_THAT(wrong_case.status, StatusIs(StatusCode::kNotFound));
  ProviderOnForge provider("bitbucket", forge, {"/org/fleet", "/org"},
                           {{"token", kAccessToken}});
  const ProviderOnForge::Listing listing = provider.ListRepositories();
  EXPECT_THAT(listing.status, IsOk());
  EXPECT_EQ(listing.count(), 230);
  EXPECT_EQ(listing.pages.size(), 3);
  ProviderOnForge of_all("bitbucket", forge, {"/org/fleet", ""},
                         {{"token", kAccessToken}});
  EXPECT_THAT(of_all.ListRepositories().status,
              StatusIs(StatusCode::kPermissionDenied,
                       HasSubstr("https://bitbucket.org/WORKSPACE")));
}

TEST_F(ProviderOnBitbucketTest, NeverAsksForWhatIsGone) {
  provider_.loop().Do([&] { forge_.AddRepositories(10); });
  EXPECT_THAT(provider_.ListRepositories().status, IsOk());
  EXPECT_THAT(provider_.CheckCredential(), IsOk());
  EXPECT_EQ(CallsTo("/2.0/repositories"), 0);
  EXPECT_EQ(CallsTo("/2.0/user/permissions/repositories"), 0);
}

TEST_F(ProviderOnBitbucketTest, ChecksTheCredential) {
  const auto checked = provider_.CheckCredential();
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->login(), "bot");
  EXPECT_THAT(checked->scopes(), ElementsAre("repository:write", "webhook"));
  EXPECT_EQ(checked->can_manage_webhooks(), Verdict::YES);
  EXPECT_THAT(checked->problems(), IsEmpty());
}

TEST_F(ProviderOnBitbucketTest, ALimitIsRememberedThoughItDoesNotSayItsEnd) {
  EXPECT_FALSE(provider_.GetRateLimits()->has_limited_until());
  Fail(R"({"rate_limit_until":99999999999,"times":1})");
  EXPECT_THAT(provider_.ListRepositories().status,
              StatusIs(StatusCode::kResourceExhausted));
  EXPECT_TRUE(provider_.GetRateLimits()->has_limited_until());
}

TEST_F(ProviderOnBitbucketTest, AWrongCredentialIsUnauthenticated) {
  provider_.SetSecret({{"token", "bot:app-passw0rd"}});
  EXPECT_THAT(provider_.Set(v1::SUCCESS),
              StatusIs(StatusCode::kUnauthenticated,
                       HasSubstr("app passwords were switched off")));
  ProviderOnForge wrong("bitbucket", forge_, {"/org/fleet", "/org"},
                        {{"token", "wr0ng-token"}});
  EXPECT_THAT(wrong.ListRepositories().status,
              StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(wrong.EnsureWebhooks("org/fleet"),
              StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(wrong.CheckCredential(), StatusIs(StatusCode::kUnauthenticated));
}

TEST_F(ProviderOnBitbucketTest, AsksForTheRolesOfTheOneThatItGets) {
  provider_.loop().Do([&] { forge_.AddRepositories(20); });
  for (const auto& [path, access] :
       std::map<std::string, Access::Access>{{"org/repo-12", Access::ADMIN},
                                             {"org/repo-13", Access::WRITE},
                                             {"org/repo-14", Access::READ}}) {
    const auto got =
        provider_.GetRepository(absl::StrCat(provider_.host(), "/", path));
    ASSERT_THAT(got, IsOk());
    EXPECT_EQ(got->repository().path(), path);
    EXPECT_EQ(got->repository().access(), access);
  }
}

}  // namespace
}  // namespace lamplighter::provider
