#include "common/tracing/trace_context.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::MatchesRegex;

constexpr char kParent[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";

TEST(TraceContextTest, ContinuesAJourneyWithANewSpan) {
  const TraceContext context = TraceContext::Continue(kParent);
  EXPECT_EQ(context.trace_id, kTraceId);
  EXPECT_NE(context.span_id, "00f067aa0ba902b7");
  EXPECT_TRUE(context.sampled);
  EXPECT_EQ(context.ToTraceparent(),
            std::string("00-") + kTraceId + "-" + context.span_id + "-01");
}

TEST(TraceContextTest, AChildKeepsTheJourney) {
  const TraceContext context = TraceContext::Continue(kParent);
  const TraceContext child = context.Child();
  EXPECT_EQ(child.trace_id, kTraceId);
  EXPECT_NE(child.span_id, context.span_id);
  EXPECT_TRUE(child.sampled);
}

TEST(TraceContextTest, BeginsAJourneyWhereThereIsNone) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const TraceContext context = TraceContext::Continue("");
    EXPECT_THAT(context.ToTraceparent(),
                MatchesRegex("00-[0-9a-f]{32}-[0-9a-f]{16}-00"));
    ids.insert(context.trace_id);
    ids.insert(context.span_id);
  }
  EXPECT_EQ(ids.size(), 2000);
}

TEST(TraceContextTest, ReadsOnlyTheSampledFlag) {
  const std::string ids =
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-";
  EXPECT_TRUE(TraceContext::Continue(ids + "ff").sampled);
  EXPECT_FALSE(TraceContext::Continue(ids + "fe").sampled);
}

TEST(TraceContextTest, TakesWhatVersionsToComeAdd) {
  for (const char* good :
       {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more"}) {
    EXPECT_EQ(TraceContext::Continue(good).trace_id, kTraceId) << good;
  }
}

TEST(TraceContextTest, BeginsAnewWhereTheParentIsMalformed) {
  for (const char* bad :
       {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-xx",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}) {
    const TraceContext context = TraceContext::Continue(bad);
    EXPECT_NE(context.trace_id, kTraceId) << bad;
    EXPECT_THAT(context.ToTraceparent(),
                MatchesRegex("00-[0-9a-f]{32}-[0-9a-f]{16}-00"))
        << bad;
  }
  const std::string zero(32, '0');
  EXPECT_NE(
      TraceContext::Continue("00-" + zero + "-00f067aa0ba902b7-01").trace_id,
      zero);
}

}  // namespace
}  // namespace lamplighter
