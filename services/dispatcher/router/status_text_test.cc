#include "services/dispatcher/router/status_text.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

TEST(ReasonInWordsTest, SplitsAsNotificationControllerDoes) {
  for (const auto& [reason, words] : {
           std::pair{"HealthCheckFailed", "health check failed"},
           std::pair{"ReconciliationSucceeded", "reconciliation succeeded"},
           std::pair{"OCIArtifactPullFailed", "oci artifact pull failed"},
           std::pair{"PDFLoader", "pdf loader"},
           std::pair{"V2Migration", "v 2 migration"},
           std::pair{"snake_Case", "snake _ case"},
           std::pair{"Reason.With.Dots", "reason . with . dots"},
           std::pair{"Already Spaced", "already   spaced"},
           std::pair{"a", "a"},
           std::pair{"", ""},
       }) {
    EXPECT_EQ(ReasonInWords(reason), words);
  }
}

TEST(DefaultContextTest, IsKindNameAndFirstPartOfTheUid) {
  v1::ObjectReference object;
  object.set_kind("Kustomization");
  object.set_name("gitops-system");
  Provider provider;
  provider.uid = "0C9C2E41-d2f9-4f9b-9c41-bebc1984d67a";
  EXPECT_EQ(DefaultContext(object, provider),
            "kustomization/gitops-system/0c9c2e41");
  provider.uid = "nouid";
  EXPECT_EQ(DefaultContext(object, provider),
            "kustomization/gitops-system/nouid");
}

class DescriptionTest : public ::testing::Test {
 protected:
  DescriptionTest() { event_.set_reason("BuildFailed"); }
  v1::FluxEvent event_;
};

TEST_F(DescriptionTest, TellsTheFirstLineOfAnErrorsMessage) {
  event_.set_severity("error");
  event_.set_message("\nkustomize build failed: no such file \r\nat line 2");
  EXPECT_EQ(Description(event_, DescriptionStyle::kMessage),
            "build failed: kustomize build failed: no such file");
  EXPECT_EQ(Description(event_, DescriptionStyle::kFlux), "build failed");
}

TEST_F(DescriptionTest, LeavesOutTheMessageOfASuccessWhichNeverRepeats) {
  event_.set_severity("info");
  event_.set_message("Reconciliation finished in 1.2s");
  EXPECT_EQ(Description(event_, DescriptionStyle::kMessage), "build failed");
}

TEST_F(DescriptionTest, NeedsNeitherReasonNorMessage) {
  event_.set_severity("error");
  EXPECT_EQ(Description(event_, DescriptionStyle::kMessage), "build failed");
  event_.clear_reason();
  EXPECT_EQ(Description(event_, DescriptionStyle::kMessage), "");
  event_.set_message("why");
  EXPECT_EQ(Description(event_, DescriptionStyle::kMessage), "why");
}

}  // namespace
}  // namespace lamplighter::dispatcher
