#include "services/reposync/service/attachments.h"

#include <chrono>
#include <string>

#include "absl/status/status.h"
#include "common/status/testing/status_matchers.h"
#include "services/reposync/service/testing/catalog_world.h"

namespace lamplighter::reposync {
namespace {

using ::absl::StatusCode;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using v1::Hook;

class AttachmentsTest : public CatalogWorld {
 protected:
  auto Attach(int number, const std::string& connection = "",
              const std::string& name = "") {
    v1::AttachRepositoryRequest request;
    request.set_repository_id(Repository(number).repository_id());
    request.set_connection(connection);
    request.set_attachment(name);
    return Run(attachments_->Attach(request, "platform"));
  }
  auto Detach(int number, const std::string& connection = "",
              const std::string& name = "") {
    v1::DetachRepositoryRequest request;
    request.set_repository_id(Repository(number).repository_id());
    request.set_connection(connection);
    request.set_attachment(name);
    return Run(attachments_->Detach(request, "platform"));
  }
  size_t OnForge(int number) {
    return forge_.repositories[Repository(number).repository_id()].size();
  }
  // The reconciler works in real time.
  void AwaitOnForge(int number) {
    for (int i = 0; i < 20'000 && OnForge(number) == 0; ++i) {
      loop_.restart();
      loop_.run_one_for(std::chrono::milliseconds(10));
    }
  }
};

LAMPLIGHTER_ON_BOTH_DATABASES(AttachmentsTest);

TEST_P(AttachmentsTest, TheWebhookIsOnWhenItAnswers) {
  Have(1);
  const auto attached = Attach(1);
  ASSERT_THAT(attached, IsOk());
  EXPECT_EQ(attached->hook().state(), Hook::PRESENT);
  EXPECT_THAT(attached->hook().attachments(), ElementsAre("platform"));
  EXPECT_EQ(OnForge(1), 1U);
}

TEST_P(AttachmentsTest, TheSameAttachmentCountsOnceAndTheLastTakesItOff) {
  Have(1);
  ASSERT_THAT(Attach(1), IsOk());
  ASSERT_THAT(Attach(1), IsOk());
  ASSERT_THAT(Attach(1, "", "other"), IsOk());
  EXPECT_EQ(OnForge(1), 1U);
  const auto left = Detach(1);
  ASSERT_THAT(left, IsOk());
  EXPECT_EQ(left->hook().state(), Hook::PRESENT);
  EXPECT_FALSE(Detach(1, "", "other")->has_hook());
  EXPECT_EQ(OnForge(1), 0U);
  // Once more is no error.
  EXPECT_THAT(Detach(1), IsOk());
}

TEST_P(AttachmentsTest, SaysWhyNoConnectionCanAttachIt) {
  Have(1, "bare");
  Have(1, "main", v1::CatalogRepository::READ);
  EXPECT_THAT(Attach(1),
              StatusIs(StatusCode::kFailedPrecondition,
                       HasSubstr("bare has no webhook_url; main may not "
                                 "manage webhooks there")));
  EXPECT_THAT(Attach(1, "acme"), StatusIs(StatusCode::kFailedPrecondition,
                                          HasSubstr("acme does not reach it")));
  EXPECT_THAT(Attach(2), StatusIs(StatusCode::kNotFound));
}

TEST_P(AttachmentsTest, WebhooksKeptByHandComeWithInstructions) {
  Have(1, "byhand", v1::CatalogRepository::READ);
  const auto attached = Attach(1);
  ASSERT_THAT(attached, IsOk());
  EXPECT_EQ(attached->hook().state(), Hook::UNMANAGED);
  EXPECT_THAT(attached->instructions(),
              Contains(HasSubstr("URL: https://hooks")));
  EXPECT_EQ(OnForge(1), 0U);
  EXPECT_FALSE(Detach(1)->has_hook());
}

TEST_P(AttachmentsTest, OneAttachedByTwoConnectionsIsDetachedByName) {
  AddConnection("second", "https://hooks");
  Have(1);
  Have(1, "second");
  ASSERT_THAT(Attach(1, "main"), IsOk());
  ASSERT_THAT(Attach(1, "second"), IsOk());
  EXPECT_THAT(Detach(1), StatusIs(StatusCode::kFailedPrecondition,
                                  HasSubstr("main and second")));
  EXPECT_FALSE(Detach(1, "second")->has_hook());
  EXPECT_EQ(OnForge(1), 1U);
}

TEST_P(AttachmentsTest, GoesToTheConnectionWhoseWebhookIsThereAlready) {
  AddConnection("second", "https://hooks");
  Have(1);
  Have(1, "second");
  ASSERT_THAT(Attach(1, "second"), IsOk());
  const auto other = Attach(1, "", "other");
  ASSERT_THAT(other, IsOk());
  EXPECT_EQ(other->hook().connection(), "second");
  EXPECT_THAT(other->hook().attachments(), ElementsAre("other", "platform"));
  EXPECT_EQ(OnForge(1), 1U);
  EXPECT_EQ(Attach(1)->hook().connection(), "second");
  // The same attachment counts once where both have a webhook.
  ASSERT_THAT(Attach(1, "main", "third"), IsOk());
  EXPECT_EQ(Attach(1)->hook().connection(), "second");
  EXPECT_EQ(Attach(1, "", "third")->hook().connection(), "main");
  EXPECT_EQ(OnForge(1), 2U);
}

TEST_P(AttachmentsTest, AWebhookThatIsOnNeedsNoRightToPutOneOn) {
  AddConnection("second", "https://hooks");
  Have(1);
  Have(1, "second");
  ASSERT_THAT(Attach(1, "second"), IsOk());
  Have(1, "second", v1::CatalogRepository::READ);
  const int calls = forge_.calls;
  const auto attached = Attach(1, "", "other");
  ASSERT_THAT(attached, IsOk());
  EXPECT_EQ(attached->hook().connection(), "second");
  EXPECT_EQ(attached->hook().state(), Hook::PRESENT);
  EXPECT_EQ(forge_.calls, calls);
}

TEST_P(AttachmentsTest, AWebhookThatCannotBePutOnAnyMoreIsLeftToAnother) {
  AddConnection("second", "https://hooks");
  Have(1);
  Have(1, "second");
  forge_.errors["second"] = absl::PermissionDeniedError("403");
  ASSERT_THAT(Attach(1, "second"), IsOk());
  Have(1, "second", v1::CatalogRepository::READ);
  const auto attached = Attach(1);
  ASSERT_THAT(attached, IsOk());
  EXPECT_EQ(attached->hook().connection(), "main");
  EXPECT_EQ(attached->hook().state(), Hook::PRESENT);
}

TEST_P(AttachmentsTest, ANameThatIsTooLongIsRefused) {
  Have(1);
  EXPECT_THAT(Attach(1, "", std::string(129, 'x')),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("128")));
}

TEST_P(AttachmentsTest, WhatWaitsForAnotherCredentialIsTriedOnceItCame) {
  Have(1);
  forge_.errors["main"] = absl::UnauthenticatedError("401");
  EXPECT_EQ(Attach(1)->hook().state(), Hook::FAILING);
  forge_.errors.clear();
  const auto retry = [this]() -> boost::asio::awaitable<absl::Status> {
    return attachments_->Retry("main", /*rewrite=*/false);
  };
  ASSERT_THAT(Run(retry()), IsOk());
  AwaitOnForge(1);
  EXPECT_EQ(OnForge(1), 1U);
}

TEST_P(AttachmentsTest, RepairMakesThemDueNow) {
  Have(1);
  ASSERT_THAT(Attach(1), IsOk());
  forge_.repositories[Repository(1).repository_id()].clear();
  const auto repaired = Run(attachments_->Repair({}));
  ASSERT_THAT(repaired, IsOk());
  EXPECT_EQ(repaired->hooks(), 1);
  AwaitOnForge(1);
  EXPECT_EQ(OnForge(1), 1U);
  EXPECT_THAT(Run(attachments_->List({}))->hooks(), SizeIs(1));
}

}  // namespace
}  // namespace lamplighter::reposync
