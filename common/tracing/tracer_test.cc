#include "common/tracing/tracer.h"

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "common/time/testing/fake_clock.h"
#include "common/tracing/attributes.h"
#include "common/tracing/testing/fake_span_sink.h"
#include "common/tracing/trace_context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/opentelemetry/otlp.pb.h"

namespace lamplighter {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::SizeIs;

constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kSampled[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kNotSampled[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

class TracerTest : public ::testing::Test {
 protected:
  Tracer WithRatio(double ratio) {
    return Tracer(sink_, clock_, ratio).For("service");
  }

  const otlp::Span& Only() {
    EXPECT_THAT(sink_.spans(), SizeIs(1));
    return sink_.spans().at(0).span;
  }

  FakeClock clock_;
  FakeSpanSink sink_;
};

TEST_F(TracerTest, RecordsWhatWasDoneAndHowLongItTook) {
  const Tracer tracer = WithRatio(1);
  {
    Span span = tracer.Begin("GET", SpanKind::kClient, kSampled);
    span.Set("words", "some").Set("number", int64_t{-3});
    clock_.Advance(absl::Milliseconds(5));
  }
  const otlp::Span& span = Only();
  EXPECT_EQ(sink_.spans()[0].service, "service");
  EXPECT_EQ(span.name(), "GET");
  EXPECT_EQ(span.kind(), otlp::Span::SPAN_KIND_CLIENT);
  EXPECT_EQ(span.flags(), 1);
  EXPECT_EQ(span.start_time_unix_nano(), 1'700'000'000'000'000'000);
  EXPECT_EQ(span.end_time_unix_nano(), 1'700'000'000'005'000'000);
  EXPECT_EQ(sink_.spans()[0].Find("words"), "some");
  EXPECT_EQ(sink_.spans()[0].Find("number"), "-3");
  EXPECT_FALSE(span.has_status());
}

TEST_F(TracerTest, GoesOnWithTheJourneyOfItsSender) {
  const Tracer tracer = WithRatio(1);
  Span span = tracer.Begin("GET", SpanKind::kServer, kSampled);
  EXPECT_EQ(span.context().TraceId(), kTraceId);
  EXPECT_TRUE(span.context().sampled);
  const std::string traceparent = span.context().ToTraceparent();
  span.End();
  EXPECT_EQ(absl::BytesToHexString(Only().trace_id()), kTraceId);
  EXPECT_EQ(absl::BytesToHexString(Only().parent_span_id()),
            "00f067aa0ba902b7");
  EXPECT_EQ(absl::BytesToHexString(Only().span_id()),
            traceparent.substr(36, 16));
}

TEST_F(TracerTest, TheFirstSpanOfAJourneyHasNoParent) {
  const Tracer tracer = WithRatio(1);
  tracer.Begin("GET", SpanKind::kServer, "malformed").End();
  EXPECT_EQ(Only().parent_span_id(), "");
  EXPECT_EQ(Only().trace_id().size(), 16);
}

TEST_F(TracerTest, AChildIsPartOfItsParent) {
  const Tracer tracer = WithRatio(1);
  const Span parent = tracer.Begin("POST", SpanKind::kServer, "");
  parent.Child("send", SpanKind::kProducer).End();
  EXPECT_EQ(absl::BytesToHexString(Only().parent_span_id()),
            parent.context().ToTraceparent().substr(36, 16));
  EXPECT_EQ(absl::BytesToHexString(Only().trace_id()),
            parent.context().TraceId());
}

TEST_F(TracerTest, RecordsNothingThatTheSenderDoesNotWantRecorded) {
  const Tracer tracer = WithRatio(1);
  Span span = tracer.Begin("GET", SpanKind::kServer, kNotSampled);
  EXPECT_FALSE(span.recorded());
  span.Set("words", "some").SetError("500");
  span.Child("send", SpanKind::kProducer).End();
  span.End();
  EXPECT_THAT(sink_.spans(), IsEmpty());
}

TEST_F(TracerTest, HandsOnWhatItDoesNotRecordAsItCame) {
  const Tracer off;
  const Span span = off.Begin("GET", SpanKind::kServer, kSampled);
  EXPECT_FALSE(span.recorded());
  EXPECT_EQ(span.context().ToTraceparent(), kSampled);
  EXPECT_EQ(span.Child("send", SpanKind::kProducer).context(), span.context());
}

TEST_F(TracerTest, BeginsJourneysThatNobodyRecordsWhereItIsOff) {
  const Tracer off;
  const Span span = off.Begin("GET", SpanKind::kServer, "");
  EXPECT_THAT(span.context().TraceId(), SizeIs(32));
  EXPECT_FALSE(span.context().sampled);
}

TEST_F(TracerTest, RecordsItsShareOfTheJourneysThatBeginHere) {
  for (const double ratio : {0.0, 0.25, 1.0}) {
    const Tracer tracer = WithRatio(ratio);
    int sampled = 0;
    for (int i = 0; i < 10'000; ++i) {
      Span span = tracer.Begin("GET", SpanKind::kServer, "");
      EXPECT_EQ(span.context().sampled, span.recorded());
      sampled += span.recorded() ? 1 : 0;
      span.Discard();
    }
    // 25 % give or take seven times the standard deviation.
    EXPECT_GE(sampled, 10'000 * ratio - 300) << ratio;
    EXPECT_LE(sampled, 10'000 * ratio + 300) << ratio;
    if (ratio == 0.0) EXPECT_EQ(sampled, 0);
    if (ratio == 1.0) EXPECT_EQ(sampled, 10'000);
  }
}

TEST_F(TracerTest, DecidesByTheTraceIdSoThatTheSmallerShareIsInTheLarger) {
  const Tracer tenth = WithRatio(0.1);
  // Of the journeys of a tenth, all are of the highest tenth of random parts,
  // as OpenTelemetry's consistent sampling has it.
  for (int i = 0; i < 1000; ++i) {
    Span span = tenth.Begin("GET", SpanKind::kServer, "");
    const uint64_t random =
        span.context().trace_id_low & ((uint64_t{1} << 56) - 1);
    EXPECT_EQ(span.recorded(), random >= (uint64_t{1} << 56) / 10 * 9);
    span.Discard();
  }
}

TEST_F(TracerTest, FollowsTheSenderWhateverTheRatio) {
  const Tracer tracer = WithRatio(0);
  EXPECT_TRUE(tracer.Begin("GET", SpanKind::kServer, kSampled).recorded());
}

TEST_F(TracerTest, SaysWhatWentWrong) {
  const Tracer tracer = WithRatio(1);
  tracer.Begin("GET", SpanKind::kClient, "").SetError("503", "busy").End();
  EXPECT_EQ(Only().status().code(), otlp::Status::STATUS_CODE_ERROR);
  EXPECT_EQ(Only().status().message(), "busy");
  EXPECT_EQ(sink_.spans()[0].Find(attribute::kErrorType), "503");
}

TEST_F(TracerTest, CutsAndCleansWhatIsSetSoThatNoCollectorRefusesIt) {
  const Tracer tracer = WithRatio(1);
  tracer.Begin("GET", SpanKind::kClient, "")
      .Set("long", std::string(10'000, 'x'))
      .Set("strange", "a\nb\xff\xc3")
      .End();
  EXPECT_THAT(*sink_.spans()[0].Find("long"), SizeIs(256));
  EXPECT_EQ(sink_.spans()[0].Find("strange"), "a?b??");
}

TEST_F(TracerTest, EndsASpanOnce) {
  const Tracer tracer = WithRatio(1);
  Span span = tracer.Begin("GET", SpanKind::kClient, "");
  Span moved = std::move(span);
  moved.End();
  moved.End();
  moved.Set("late", "x");
  EXPECT_EQ(Only().attributes_size(), 0);
}

TEST_F(TracerTest, ForgetsADiscardedSpan) {
  const Tracer tracer = WithRatio(1);
  tracer.Begin("GET", SpanKind::kClient, "").Discard();
  EXPECT_THAT(sink_.spans(), IsEmpty());
}

}  // namespace
}  // namespace lamplighter
