#include "services/dispatcher/router/git_event_handler.h"

#include <string>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "common/async/timer_sleeper.h"
#include "common/kafka/testing/fake_consumer.h"
#include "common/kafka/testing/fake_producer.h"
#include "common/kafka/topic_names.h"
#include "common/metrics/metrics.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class GitEventHandlerTest : public ::testing::Test {
 protected:
  GitEventHandlerTest() { EXPECT_TRUE(consumer_.Start(handler_).ok()); }

  static Record Push(v1::RefUpdate::Action action) {
    v1::GitEvent event;
    event.set_id("delivery-1");
    event.set_type(v1::GitEvent::PUSH);
    event.mutable_repository()->set_id("github.com/acme/fleet");
    v1::RefUpdate& update = *event.mutable_push()->add_refs();
    update.set_ref("refs/heads/main");
    update.set_action(action);
    update.set_after(std::string(40, 'a'));
    Record record;
    record.topic = kGitEventsTopic;
    record.key = event.repository().id();
    record.value = event.SerializeAsString();
    return record;
  }
  void Run() {
    loop_.restart();
    loop_.poll();
  }

  boost::asio::io_context loop_;
  FakeConsumer consumer_;
  FakeProducer producer_{loop_};
  TimerSleeper sleeper_;
  FakeClock clock_;
  Metrics registry_;
  DispatcherMetrics metrics_{registry_};
  GitEventHandler handler_{{},       loop_,  consumer_, producer_,
                           sleeper_, clock_, metrics_};
};

TEST_F(GitEventHandlerTest, WritesTheIntentBeforeTheEventIsDone) {
  producer_.Hold();
  consumer_.Push(Push(v1::RefUpdate::UPDATED));
  Run();
  EXPECT_THAT(consumer_.done(), IsEmpty());
  producer_.Release();
  Run();
  EXPECT_THAT(consumer_.done(), SizeIs(1));
  const std::vector<Record> records = producer_.RecordsOf(kStatusIntentsTopic);
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].key, "github.com/acme/fleet");
  v1::StatusIntent intent;
  ASSERT_TRUE(intent.ParseFromString(records[0].value));
  EXPECT_TRUE(intent.seen_contexts());
}

TEST_F(GitEventHandlerTest, IsDoneAtOnceWithWhatMeansNothing) {
  consumer_.Push(Push(v1::RefUpdate::DELETED));
  Run();
  EXPECT_THAT(consumer_.done(), SizeIs(1));
  EXPECT_THAT(producer_.records(), IsEmpty());
}

TEST_F(GitEventHandlerTest, WritesADeadLetterOfWhatIsNoEvent) {
  Record bad = Push(v1::RefUpdate::UPDATED);
  bad.value = "\xff\xff";
  consumer_.Push(bad);
  Run();
  EXPECT_THAT(consumer_.done(), SizeIs(1));
  EXPECT_THAT(producer_.RecordsOf(kDeadLettersTopic), SizeIs(1));
}

}  // namespace
}  // namespace lamplighter::dispatcher
