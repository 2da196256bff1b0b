#include "common/kafka/cloud_event.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/kafka/record.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::HasSubstr;

CloudEvent Push() {
  return {
      .id = "github:72d3162e",
      .source = "/sources/github",
      .type = "dev.lamplighter.git-event.v1",
      .subject = "github.com/org/repo",
      .time = absl::FromUnixMillis(1'700'000'000'250),
      .dataschema = "lamplighter.v1.GitEvent",
      .content_type = "application/protobuf",
      .traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};
}

std::string Value(const std::vector<RecordHeader>& headers,
                  absl::string_view name) {
  const auto found = std::find_if(
      headers.begin(), headers.end(),
      [name](const RecordHeader& header) { return header.name == name; });
  return found == headers.end() ? "(none)" : found->value;
}

std::vector<RecordHeader> Without(std::vector<RecordHeader> headers,
                                  absl::string_view name) {
  std::erase_if(headers, [name](const RecordHeader& header) {
    return header.name == name;
  });
  return headers;
}

TEST(CloudEventTest, WritesTheHeadersOfBinaryMode) {
  const std::vector<RecordHeader> headers = ToHeaders(Push());
  EXPECT_EQ(Value(headers, "ce_specversion"), "1.0");
  EXPECT_EQ(Value(headers, "ce_id"), "github:72d3162e");
  EXPECT_EQ(Value(headers, "ce_source"), "/sources/github");
  EXPECT_EQ(Value(headers, "ce_type"), "dev.lamplighter.git-event.v1");
  EXPECT_EQ(Value(headers, "ce_subject"), "github.com/org/repo");
  EXPECT_EQ(Value(headers, "ce_time"), "2023-11-14T22:13:20.25Z");
  EXPECT_EQ(Value(headers, "ce_dataschema"), "lamplighter.v1.GitEvent");
  EXPECT_EQ(Value(headers, "content-type"), "application/protobuf");
  EXPECT_EQ(Value(headers, "traceparent"), Push().traceparent);
}

TEST(CloudEventTest, LeavesOutWhatIsEmpty) {
  CloudEvent event = Push();
  event.subject.clear();
  event.dataschema.clear();
  event.traceparent.clear();
  const std::vector<RecordHeader> headers = ToHeaders(event);
  EXPECT_EQ(Value(headers, "ce_subject"), "(none)");
  EXPECT_EQ(Value(headers, "ce_dataschema"), "(none)");
  EXPECT_EQ(Value(headers, "traceparent"), "(none)");
}

TEST(CloudEventTest, ReadsBackWhatItWrote) {
  const auto event = CloudEventFromHeaders(ToHeaders(Push()));
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->id, Push().id);
  EXPECT_EQ(event->source, Push().source);
  EXPECT_EQ(event->type, Push().type);
  EXPECT_EQ(event->subject, Push().subject);
  EXPECT_EQ(event->time, Push().time);
  EXPECT_EQ(event->dataschema, Push().dataschema);
  EXPECT_EQ(event->content_type, Push().content_type);
  EXPECT_EQ(event->traceparent, Push().traceparent);
}

TEST(CloudEventTest, RefusesRecordsWithoutARequiredAttribute) {
  for (const absl::string_view name :
       {"ce_specversion", "ce_id", "ce_source", "ce_type"}) {
    EXPECT_THAT(CloudEventFromHeaders(Without(ToHeaders(Push()), name)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(name)));
  }
}

TEST(CloudEventTest, RefusesAnotherSpecVersion) {
  std::vector<RecordHeader> headers = ToHeaders(Push());
  headers.push_back({"ce_specversion", "0.3"});
  EXPECT_THAT(CloudEventFromHeaders(headers),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(CloudEventTest, RefusesATimeThatIsNone) {
  std::vector<RecordHeader> headers = ToHeaders(Push());
  headers.push_back({"ce_time", "yesterday"});
  EXPECT_THAT(
      CloudEventFromHeaders(headers),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ce_time")));
}

TEST(CloudEventTest, ReadsTimesOfOtherZonesAndContentTypeInAnyCase) {
  std::vector<RecordHeader> headers =
      Without(ToHeaders(Push()), "content-type");
  headers.push_back({"Content-Type", "application/json"});
  headers.push_back({"ce_time", "2023-11-14T23:13:20+01:00"});
  const auto event = CloudEventFromHeaders(headers);
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->content_type, "application/json");
  EXPECT_EQ(event->time, absl::FromUnixSeconds(1'700'000'000));
}

}  // namespace
}  // namespace lamplighter
