// What the provider worker does on every forge in the same way, over the wire.

#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forge_jobs.h"
#include "tests/forges/fault.h"
#include "tests/forges/forge_cases.h"
#include "tests/forges/provider_on_forge.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ProviderOnEveryForgeTest : public ::testing::TestWithParam<ForgeCase> {
 protected:
  ProviderOnEveryForgeTest()
      : forge_(GetParam().make()),
        provider_(GetParam().type, *forge_, GetParam().addresses,
                  GetParam().secret) {}

  void AddRepositories(int count) {
    provider_.loop().Do([&] { GetParam().add_repositories(*forge_, count); });
  }

  void Fail(const std::string& fault) {
    provider_.loop().Do([&] {
      forge_->AddFault(Fault::Parse(fault, Clock::System().Now()).value());
    });
  }

  size_t Calls() {
    return provider_.loop().Do([&] { return forge_->calls().size(); });
  }

  std::unique_ptr<ScriptedForge> forge_;
  ProviderOnForge provider_;
};

TEST_P(ProviderOnEveryForgeTest, GetsARepositoryAsItListsIt) {
  AddRepositories(13);
  const auto listing = provider_.ListRepositories();
  ASSERT_THAT(listing.status, IsOk());
  // The first time that one is listed counts.
  std::map<std::string, v1::CatalogRepository> listed;
  for (const auto& page : listing.pages) {
    for (const v1::CatalogRepository& repository : page.repositories()) {
      listed.emplace(repository.repository_id(), repository);
    }
  }
  ASSERT_EQ(listed.size(), 13);
  for (const auto& [id, repository] : listed) {
    const auto got = provider_.GetRepository(id);
    ASSERT_THAT(got, IsOk()) << id;
    EXPECT_EQ(got->repository().DebugString(), repository.DebugString());
  }
}

TEST_P(ProviderOnEveryForgeTest, ARepositoryThatIsNotThereIsNotFound) {
  Fail(R"({"status":404})");
  EXPECT_THAT(provider_.GetRepository(provider_.OwnId()),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(ProviderOnEveryForgeTest, NoOtherAnswerMeansThatARepositoryIsGone) {
  for (const char* fault :
       {R"({"status":401})", R"({"status":403})", R"({"status":500})",
        R"({"status":200,"html":true})", R"({"truncated":true})"}) {
    provider_.loop().Do([&] { forge_->Reset(); });
    Fail(fault);
    EXPECT_THAT(provider_.GetRepository(provider_.OwnId()),
                Not(AnyOf(IsOk(), StatusIs(StatusCode::kNotFound))))
        << fault;
  }
}

TEST_P(ProviderOnEveryForgeTest, GetsNoRepositoryOfAnotherForge) {
  EXPECT_THAT(
      provider_.GetRepository("elsewhere.example.com/org/repo"),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("must begin with")));
  EXPECT_EQ(Calls(), 0);
}

TEST_P(ProviderOnEveryForgeTest, AWebhookThatIsRightCostsAListAndNoWrite) {
  const std::string id = provider_.OwnId().substr(provider_.host().size() + 1);
  ASSERT_THAT(provider_.EnsureWebhooks(id), IsOk());
  const size_t before = Calls();
  const auto again = provider_.EnsureWebhooks(id);
  ASSERT_THAT(again, IsOk());
  for (const v1::Webhook& webhook : again->webhooks()) {
    EXPECT_EQ(webhook.action(), v1::Webhook::UNCHANGED);
  }
  // Azure DevOps has to be asked for the repository's id, too.
  EXPECT_EQ(Calls() - before, GetParam().type == "azuredevops" ? 2 : 1);
}

TEST_P(ProviderOnEveryForgeTest, TellsOfItsConnection) {
  const auto checked = provider_.CheckCredential();
  ASSERT_THAT(checked, IsOk());
  const v1::ConnectionInfo& info = checked->connection();
  EXPECT_EQ(info.name(), "account");
  EXPECT_EQ(info.type(), GetParam().type);
  EXPECT_EQ(info.address(),
            absl::StrCat(provider_.site(), GetParam().addresses.account));
  EXPECT_EQ(info.webhook_url(), ProviderOnForge::kHook);
  EXPECT_THAT(info.webhook_events(), Not(IsEmpty()));
  const auto all = provider_.loop().Do(
      [&] { return provider_.jobs().DescribeConnections(); });
  ASSERT_EQ(all.size(), 1);
  EXPECT_EQ(all[0].DebugString(), info.DebugString());
}

INSTANTIATE_TEST_SUITE_P(Forges, ProviderOnEveryForgeTest,
                         ::testing::ValuesIn(AllForgeCases()),
                         [](const auto& info) { return info.param.type; });

}  // namespace
}  // namespace lamplighter::provider
