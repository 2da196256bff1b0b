// The provider worker's calls to Bitbucket Data Center as they really go over
// the wire.

#include <cstddef>
#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/grpc/retry_info.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "tests/forges/fault.h"
#include "tests/forges/provider_on_forge.h"
#include "tests/forges/scripted_bitbucketserver.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::IsEmpty;
using Access = v1::CatalogRepository;
using Verdict = v1::CheckCredentialResponse;

constexpr char kToken[] = "http-t0ken";

class ProviderOnBitbucketServerTest : public ::testing::Test {
 protected:
  void Fail(const std::string& fault) {
    provider_.loop().Do([&] {
      forge_.AddFault(Fault::Parse(fault, Clock::System().Now()).value());
    });
  }

  ScriptedBitbucketServer forge_{{.token = kToken}, Clock::System()};
  ProviderOnForge provider_{"bitbucketserver",
                            forge_,
                            {"/ctx/scm/PRJ/fleet.git", "/ctx"},
                            {{"token", kToken}}};
};

TEST_F(ProviderOnBitbucketServerTest, SetsAndListsBuilds) {
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

TEST_F(ProviderOnBitbucketServerTest, AnOldServerTakesBuildsByCommit) {
  ScriptedBitbucketServer forge({.token = "user:passw0rd", .is_old = true},
                                Clock::System());
  ProviderOnForge provider("bitbucketserver", forge,
                           {"/scm/~jane/fleet.git", ""},
                           {{"username", "user"}, {"password", "passw0rd"}});
  EXPECT_TRUE(provider.Set(v1::SUCCESS)->written());
  EXPECT_FALSE(provider.Set(v1::SUCCESS)->written());
  EXPECT_TRUE(provider.Set(v1::FAILURE)->written());
  EXPECT_EQ(provider.List()->statuses_size(), 1);
  EXPECT_EQ(provider.CheckCredential()->forge_version(), "6.10.17");
}

TEST_F(ProviderOnBitbucketServerTest, ListsAllWithTheMostAccessFirst) {
  provider_.loop().Do([&] { forge_.AddRepositories(1000); });
  const ProviderOnForge::Listing listing = provider_.ListRepositories();
  ASSERT_THAT(listing.status, IsOk());
  std::map<std::string, v1::CatalogRepository> first;
  for (const auto& page : listing.pages) {
    for (const v1::CatalogRepository& repository : page.repositories()) {
      first.emplace(repository.path(), repository);
    }
  }
  EXPECT_EQ(first.size(), 1000);
  EXPECT_EQ(first["PRJ/repo-999"].access(), Access::ADMIN);
  EXPECT_EQ(first["PRJ/repo-997"].access(), Access::WRITE);
  EXPECT_EQ(first["PRJ/repo-998"].access(), Access::READ);
  EXPECT_TRUE(first["PRJ/repo-999"].archived());
  EXPECT_EQ(first["PRJ/repo-7"].repository_id(),
            absl::StrCat(provider_.host(), "/ctx/prj/repo-7"));
}

TEST_F(ProviderOnBitbucketServerTest, AListingGoesOnAfterAnyPage) {
  provider_.loop().Do([&] { forge_.AddRepositories(450); });
  const ProviderOnForge::Listing whole = provider_.ListRepositories();
  ASSERT_THAT(whole.status, IsOk());
  // Of 150, 300 and 450 repositories; the last of the second list is empty, as
  // those after it may not be seen.
  EXPECT_EQ(whole.pages.size(), 2 + 4 + 5);
  size_t before = 0;
  for (const auto& page : whole.pages) {
    v1::ListRepositoriesRequest request;
    request.set_page_token(page.page_token());
    const ProviderOnForge::Listing rest = provider_.ListRepositories(request);
    ASSERT_THAT(rest.status, IsOk());
    EXPECT_EQ(rest.count(), whole.count() - before) << page.page_token();
    before += page.repositories_size();
  }
}

TEST_F(ProviderOnBitbucketServerTest, TroubleAmidAListingIsNoEnd) {
  provider_.loop().Do([&] { forge_.AddRepositories(900); });
  for (const char* fault : {R"({"status":502,"html":true,"times":1})",
                            R"({"truncated":true,"times":1})",
                            R"({"status":200,"html":true,"times":1})"}) {
    v1::ListRepositoriesRequest request;
    request.set_page_token("REPO_READ 300");
    Fail(fault);
    EXPECT_THAT(provider_.ListRepositories(request).status,
                StatusIs(StatusCode::kUnavailable))
        << fault;
  }
}

TEST_F(ProviderOnBitbucketServerTest, ChecksTheCredential) {
  provider_.loop().Do([&] { forge_.AddRepositories(3); });
  const auto checked = provider_.CheckCredential();
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->login(), "bot");
  EXPECT_EQ(checked->forge_version(), "9.2.0");
  EXPECT_EQ(checked->can_list_repositories(), Verdict::YES);
  EXPECT_EQ(checked->can_set_statuses(), Verdict::YES);
  EXPECT_EQ(checked->can_manage_webhooks(), Verdict::YES);
  EXPECT_THAT(checked->problems(), IsEmpty());
}

TEST_F(ProviderOnBitbucketServerTest, ALimitPassesSoon) {
  Fail(R"({"rate_limit_until":99999999999,"times":1})");
  const absl::Status limited = provider_.ListRepositories().status;
  EXPECT_THAT(limited, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(RetryAfter(limited), absl::Seconds(5));
  EXPECT_TRUE(provider_.GetRateLimits()->has_limited_until());
}

TEST_F(ProviderOnBitbucketServerTest, AWrongCredentialIsUnauthenticated) {
  provider_.SetSecret({{"token", "wr0ng-token"}});
  EXPECT_THAT(provider_.Set(v1::SUCCESS),
              StatusIs(StatusCode::kUnauthenticated));
  ProviderOnForge wrong("bitbucketserver", forge_, {"/scm/prj/fleet.git", ""},
                        {{"username", "bot"}, {"password", "wr0ng"}});
  EXPECT_THAT(wrong.ListRepositories().status,
              StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(wrong.EnsureWebhooks("prj/fleet"),
              StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(wrong.CheckCredential(), StatusIs(StatusCode::kUnauthenticated));
}

TEST_F(ProviderOnBitbucketServerTest, WhoMayNotManageWebhooksIsStillKnown) {
  EXPECT_THAT(provider_.EnsureWebhooks("ctx/prj/repo-1"),
              StatusIs(StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace lamplighter::provider
