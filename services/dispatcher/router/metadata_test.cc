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
