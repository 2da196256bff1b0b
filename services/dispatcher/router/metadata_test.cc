#include "services/dispatcher/router/metadata.h"

#include <map>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

v1::FluxEvent Event(const std::map<std::string, std::string>& metadata,
                    const std::string& severity = "info") {
  v1::FluxEvent event;
  event.mutable_involved_object()->set_api_version(
      "kustomize.toolkit.fluxcd.io/v1");
  event.set_severity(severity);
  event.mutable_metadata()->insert(metadata.begin(), metadata.end());
  return event;
}

TEST(IsStatusEventTest, TakesEveryError) {
  EXPECT_TRUE(IsStatusEvent(Event({}, "error")));
  EXPECT_TRUE(IsStatusEvent(
      Event({{"kustomize.toolkit.fluxcd.io/revision", "r"}}, "error")));
}

TEST(IsStatusEventTest, TakesOfTheRestOnlyWhatIsMeantForStatuses) {
  EXPECT_TRUE(IsStatusEvent(
      Event({{"kustomize.toolkit.fluxcd.io/commit_status", "update"}})));
  EXPECT_TRUE(
      IsStatusEvent(Event({{"event.toolkit.fluxcd.io/commit", "abc"}})));

  EXPECT_FALSE(IsStatusEvent(Event({})));
  EXPECT_FALSE(
      IsStatusEvent(Event({{"kustomize.toolkit.fluxcd.io/revision", "r"}})));
  EXPECT_FALSE(IsStatusEvent(
      Event({{"kustomize.toolkit.fluxcd.io/commit_status", "true"}})));
  EXPECT_FALSE(IsStatusEvent(
      Event({{"event.toolkit.fluxcd.io/commit_status", "update"}})));
  EXPECT_FALSE(
      IsStatusEvent(Event({{"kustomize.toolkit.fluxcd.io/commit", "abc"}})));
  EXPECT_FALSE(IsStatusEvent(Event({{"event.toolkit.fluxcd.io/commit", ""}})));
  EXPECT_FALSE(IsStatusEvent(
      Event({{"source.toolkit.fluxcd.io/commit_status", "update"}})));
}

TEST(IsStatusEventTest, KnowsASuccessOfOldFluxFromItsProgress) {
  v1::FluxEvent event =
      Event({{"kustomize.toolkit.fluxcd.io/revision", "main@sha1:1"}});
  event.mutable_involved_object()->set_kind("Kustomization");
  event.set_reason("ReconciliationSucceeded");
  event.set_message("Reconciliation finished in 1.2s, next run in 10m0s");
  EXPECT_TRUE(IsStatusEvent(event));

  event.set_message("Health check passed in 21ms");
  EXPECT_FALSE(IsStatusEvent(event)) << "still carries the last run's reason";
  event.set_message("Reconciliation finished in 1.2s, next run in 10m0s");
  event.set_reason("Progressing");
  EXPECT_FALSE(IsStatusEvent(event));
  event.set_reason("ReconciliationSucceeded");
  event.mutable_involved_object()->set_kind("HelmRelease");
  EXPECT_FALSE(IsStatusEvent(event)) << "its revision is a chart's";
  event.mutable_involved_object()->set_kind("Kustomization");
  (*event.mutable_metadata())["kustomize.toolkit.fluxcd.io/commit_status"] =
      "true";
  EXPECT_FALSE(IsStatusEvent(event)) << "new enough to know better";
}

TEST(IsStatusEventTest, ReadsWhatNotificationControllerForwarded) {
  EXPECT_TRUE(IsStatusEvent(Event({{"commit_status", "update"}})));
  EXPECT_FALSE(IsStatusEvent(Event({{"revision", "r"}})));
}

TEST(MergedMetadataTest, KeepsTheKeysOfTheObjectAndOfAnnotations) {
  EXPECT_THAT(
      MergedMetadata(Event({{"event.toolkit.fluxcd.io/env", "e"},
                            {"kustomize.toolkit.fluxcd.io/revision", "r"},
                            {"plain", "y"},
                            {"source.toolkit.fluxcd.io/revision", "x"}}),
                     {}),
      ElementsAre(Pair("env", "e"), Pair("revision", "r")));
}

TEST(MergedMetadataTest, DropsTheObjectsTokenAndChecksums) {
  EXPECT_THAT(
      MergedMetadata(Event({{"event.toolkit.fluxcd.io/token", "et"},
                            {"kustomize.toolkit.fluxcd.io/Digest", "D"},
                            {"kustomize.toolkit.fluxcd.io/checksum", "c"},
                            {"kustomize.toolkit.fluxcd.io/digest", "d"},
                            {"kustomize.toolkit.fluxcd.io/token", "t"}}),
                     {}),
      ElementsAre(Pair("token", "et")));
}

TEST(MergedMetadataTest, LetsTheObjectsOwnWinThenSummaryThenTheAlerts) {
  Alert alert;
  alert.event_metadata = {{"summary", "2"}, {"commit", "alert"}};
  alert.summary = "3";
  EXPECT_THAT(
      MergedMetadata(Event({{"event.toolkit.fluxcd.io/summary", "1"},
                            {"event.toolkit.fluxcd.io/commit", "annotation"},
                            {"kustomize.toolkit.fluxcd.io/summary", "4"}}),
                     alert),
      ElementsAre(Pair("commit", "alert"), Pair("summary", "4")));
  EXPECT_THAT(MergedMetadata(Event({}), alert),
              ElementsAre(Pair("commit", "alert"), Pair("summary", "3")));
}

TEST(MergedMetadataTest, ReadsWhatNotificationControllerForwarded) {
  EXPECT_THAT(MergedMetadata(Event({{"commit_status", "update"},
                                    {"revision", "main@sha1:1"}}),
                             {}),
              ElementsAre(Pair("commit_status", "update"),
                          Pair("revision", "main@sha1:1")));
  EXPECT_THAT(MergedMetadata(Event({}), {}), IsEmpty());
}

}  // namespace
}  // namespace lamplighter::dispatcher
