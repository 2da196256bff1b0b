#include "common/tracing/trace_context.h"

#include <set>
#include <string>

#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::MatchesRegex;

constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";

TEST(TraceContextTest, IsReadAndWrittenAsATraceparent) {
  for (const char* traceparent :
       {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000001-0000000000000001-00"}) {
    const auto context = TraceContext::Parse(traceparent);
    ASSERT_TRUE(context.has_value()) << traceparent;
    EXPECT_EQ(context->ToTraceparent(), traceparent);
  }
}

TEST(TraceContextTest, AChildIsAnotherSpanOfTheJourney) {
  const auto parent = TraceContext::Parse(
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  ASSERT_TRUE(parent.has_value());
  const TraceContext child = parent->Child();
  EXPECT_EQ(child.TraceId(), kTraceId);
  EXPECT_NE(child.span_id, parent->span_id);
  EXPECT_TRUE(child.sampled);
}

TEST(TraceContextTest, EachNewJourneyHasIdsOfItsOwn) {
  std::set<std::string> traces;
  std::set<uint64_t> spans;
  for (int i = 0; i < 1000; ++i) {
    const TraceContext context = TraceContext::New();
    EXPECT_THAT(context.ToTraceparent(),
                MatchesRegex("00-[0-9a-f]{32}-[0-9a-f]{16}-00"));
    traces.insert(context.TraceId());
    spans.insert(context.span_id);
  }
  EXPECT_EQ(traces.size(), 1000);
  EXPECT_EQ(spans.size(), 1000);
}

TEST(TraceContextTest, WritesNothingWhereItStandsForNoJourney) {
  EXPECT_EQ(TraceContext().ToTraceparent(), "");
  EXPECT_EQ(TraceContext().TraceId(), "");
}

TEST(TraceContextTest, TellsTheTraceOfATraceparent) {
  EXPECT_EQ(
      TraceIdOf("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
      kTraceId);
  EXPECT_EQ(TraceIdOf("malformed"), "");
}

TEST(TraceContextTest, ReadsOnlyTheSampledFlag) {
  const std::string ids =
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
  EXPECT_TRUE(TraceContext::Parse(ids + "ff")->sampled);
  EXPECT_FALSE(TraceContext::Parse(ids + "fe")->sampled);
}

TEST(TraceContextTest, TakesWhatVersionsToComeAdd) {
  for (const char* good :
       {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"}) {
    const auto context = TraceContext::Parse(good);
    ASSERT_TRUE(context.has_value()) << good;
    EXPECT_EQ(context->TraceId(), kTraceId) << good;
  }
}

TEST(TraceContextTest, TakesNothingMalformed) {
  for (const char* bad :
       {"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-0x000000000000010000000000000001-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-xx",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    EXPECT_FALSE(TraceContext::Parse(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace lamplighter
