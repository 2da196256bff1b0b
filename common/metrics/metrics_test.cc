#include "common/metrics/metrics.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(MetricsTest, WritesWhatWasMeasured) {
  Metrics metrics;
  metrics.AddCounters("lamplighter_test_events_total", "Events.")
      .Add({{"source", "a\"b"}})
      .Increment(3);
  metrics.AddGauges("lamplighter_test_queue_events", "Queue.").Add({}).Set(7);
  metrics.AddHistograms("lamplighter_test_call_seconds", "Calls.")
      .Add({}, Metrics::LatencyBuckets())
      .Observe(0.003);
  EXPECT_THAT(
      metrics.Text(),
      AllOf(HasSubstr("# HELP lamplighter_test_events_total Events.\n"
                      "# TYPE lamplighter_test_events_total counter\n"
                      "lamplighter_test_events_total{source=\"a\\\"b\"} 3\n"),
            HasSubstr("lamplighter_test_queue_events 7\n"),
            HasSubstr("lamplighter_test_call_seconds_bucket{le=\"0.0025\"} 0"),
            HasSubstr("lamplighter_test_call_seconds_bucket{le=\"0.005\"} 1"),
            HasSubstr("lamplighter_test_call_seconds_count 1\n")));
}

TEST(MetricsTest, GivesTheSameFamilyForTheSameName) {
  Metrics metrics;
  EXPECT_EQ(&metrics.AddCounters("a_total", "A."),
            &metrics.AddCounters("a_total", "A."));
}

TEST(MetricsTest, OneRegistryKnowsNothingOfAnother) {
  Metrics one;
  Metrics other;
  one.AddGauges("a", "A.").Add({}).Set(1);
  EXPECT_EQ(other.Text(), "");
}

TEST(MetricsTest, LatencyBucketsGrow) {
  const auto buckets = Metrics::LatencyBuckets();
  EXPECT_TRUE(std::is_sorted(buckets.begin(), buckets.end()));
}

}  // namespace
}  // namespace lamplighter
