#include "common/kafka/record_span.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/kafka/consumer.h"
#include "common/kafka/record.h"
#include "common/time/testing/fake_clock.h"
#include "common/tracing/testing/fake_span_sink.h"
#include "common/tracing/tracer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kSampled[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr char kNotSampled[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

class RecordSpanTest : public ::testing::Test {
 protected:
  static Record MakeRecord(const char* traceparent) {
    return {.topic = "things",
            .key = "k",
            .value = "v",
            .headers = {{"ce_id", "event-1"}, {"traceparent", traceparent}}};
  }

  FakeClock clock_;
  FakeSpanSink sink_;
  Tracer tracer_{sink_, clock_, /*ratio=*/1};
};

TEST_F(RecordSpanTest, ARecordCarriesTheSpanThatItIsSentIn) {
  Span parent = tracer_.Begin("POST", SpanKind::kServer, kSampled);
  Record record = MakeRecord(parent.context().ToTraceparent().c_str());
  Span send = BeginSendSpan(parent, record);
  EXPECT_EQ(FindHeader(record, "traceparent"), send.context().ToTraceparent());
  EXPECT_THAT(record.headers, SizeIs(2));
  send.End();
  const auto sent = sink_.Find("send things");
  ASSERT_TRUE(sent.has_value());
  EXPECT_EQ(sent->span.kind(), otlp::Span::SPAN_KIND_PRODUCER);
  EXPECT_EQ(sent->Find("messaging.system"), "kafka");
  EXPECT_EQ(sent->Find("messaging.destination.name"), "things");
  EXPECT_EQ(sent->Find("cloudevents.event_id"), "event-1");
}

TEST_F(RecordSpanTest, ARecordWithoutATraceparentIsGivenOne) {
  Span parent = tracer_.Begin("POST", SpanKind::kServer, kSampled);
  Record record;
  Span send = BeginSendSpan(parent, record);
  EXPECT_EQ(FindHeader(record, "traceparent"), send.context().ToTraceparent());
}

TEST_F(RecordSpanTest, ARecordOfAJourneyThatIsNotSampledStaysAsItIs) {
  Span parent = tracer_.Begin("POST", SpanKind::kServer, kNotSampled);
  Record record = MakeRecord(kNotSampled);
  BeginSendSpan(parent, record).End();
  EXPECT_EQ(FindHeader(record, "traceparent"), kNotSampled);
  EXPECT_THAT(sink_.spans(), IsEmpty());
}

TEST_F(RecordSpanTest, WorkOnARecordGoesOnWithItsJourney) {
  const ConsumedRecord consumed = {
      MakeRecord(kSampled), {.topic = "things", .partition = 3, .offset = 42}};
  BeginProcessSpan(tracer_, consumed).End();
  const auto processed = sink_.Find("process things");
  ASSERT_TRUE(processed.has_value());
  EXPECT_EQ(processed->span.kind(), otlp::Span::SPAN_KIND_CONSUMER);
  EXPECT_EQ(absl::BytesToHexString(processed->span.parent_span_id()),
            "00f067aa0ba902b7");
  EXPECT_EQ(processed->Find("messaging.operation.type"), "process");
  EXPECT_EQ(processed->Find("messaging.destination.partition.id"), "3");
  EXPECT_EQ(processed->Find("messaging.kafka.offset"), "42");
}

}  // namespace
}  // namespace lamplighter
