#include "services/dispatcher/router/event_handler.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/timer_sleeper.h"
#include "common/kafka/testing/fake_consumer.h"
#include "common/kafka/testing/fake_producer.h"
#include "common/kafka/topic_names.h"
#include "common/manifests/manifest_source.h"
#include "common/manifests/objects.h"
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

// One Provider that every error of Kustomization flux-system/apps goes to.
class OneAlert final : public ManifestSource {
 public:
  OneAlert() {
    auto manifests = std::make_shared<Manifests>();
    Provider& provider = manifests->providers[{"flux-system", "p"}];
    provider.namespace_ = "flux-system";
    provider.name = "p";
    provider.type = "github";
    provider.address = "https://github.com/acme/fleet";
    Alert& alert = manifests->alerts[{"flux-system", "a"}];
    alert.namespace_ = "flux-system";
    alert.name = "a";
    alert.provider_ref = "p";
    alert.event_sources = {
        {"Kustomization", "flux-system", "apps", absl::nullopt}};
    manifests_ = std::move(manifests);
  }
  std::shared_ptr<const Manifests> Current() const override {
    return manifests_;
  }

 private:
  std::shared_ptr<const Manifests> manifests_;
};

class EventHandlerTest : public ::testing::Test {
 protected:
  EventHandlerTest() { EXPECT_TRUE(consumer_.Start(handler_).ok()); }

  static Record ErrorEvent(const std::string& revision) {
    v1::FluxEvent event;
    event.set_id("event-1");
    event.mutable_involved_object()->set_kind("Kustomization");
    event.mutable_involved_object()->set_namespace_("flux-system");
    event.mutable_involved_object()->set_name("apps");
    event.set_severity("error");
    (*event.mutable_metadata())["revision"] = revision;
    Record record;
    record.topic = kFluxEventsTopic;
    record.key = "default/flux-system/Kustomization/apps";
    record.value = event.SerializeAsString();
    record.headers = {{"traceparent",
                       "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"
                       "01"}};
    return record;
  }
  void Run() {
    loop_.restart();
    loop_.poll();
  }

  boost::asio::io_context loop_;
  FakeConsumer consumer_;
  FakeProducer producer_{loop_};
  OneAlert manifests_;
  Router router_{{}, manifests_};
  TimerSleeper sleeper_;
  FakeClock clock_;
  Metrics registry_;
  DispatcherMetrics metrics_{registry_};
  EventHandler handler_{loop_,     router_,   /*objects=*/nullptr,
                        consumer_, producer_, sleeper_,
                        clock_,    metrics_};
};

TEST_F(EventHandlerTest, WritesTheIntentBeforeTheEventIsDone) {
  producer_.Hold();
  consumer_.Push(ErrorEvent(std::string(40, 'a')));
  Run();
  EXPECT_THAT(consumer_.done(), IsEmpty());

  producer_.Release();
  Run();
  EXPECT_THAT(consumer_.done(), SizeIs(1));
  const std::vector<Record> intents = producer_.RecordsOf(kStatusIntentsTopic);
  ASSERT_THAT(intents, SizeIs(1));
  EXPECT_EQ(intents[0].key, "github.com/acme/fleet");
  v1::StatusIntent intent;
  ASSERT_TRUE(intent.ParseFromString(intents[0].value));
  EXPECT_EQ(intent.sha(), std::string(40, 'a'));
  EXPECT_THAT(std::string(FindHeader(intents[0], "traceparent").value_or("")),
              ::testing::StartsWith("00-0af7651916cd43dd8448eb211c80319c-"))
      << "the journey goes on";
  EXPECT_EQ(metrics_.events_routed.Value(), 1);
}

TEST_F(EventHandlerTest, WritesADeadLetterThatTellsWhereTheEventIs) {
  consumer_.Push(ErrorEvent("1.0.0"));
  Run();
  const std::vector<Record> letters = producer_.RecordsOf(kDeadLettersTopic);
  ASSERT_THAT(letters, SizeIs(1));
  v1::DeadLetter letter;
  ASSERT_TRUE(letter.ParseFromString(letters[0].value));
  EXPECT_EQ(letter.reason(), v1::DeadLetter::NO_REVISION);
  EXPECT_EQ(letter.original_topic(), kFluxEventsTopic);
  EXPECT_EQ(letter.original_offset(), 0);
  EXPECT_THAT(consumer_.done(), SizeIs(1));
  EXPECT_EQ(metrics_.events_dead.Value(), 1);
}

TEST_F(EventHandlerTest, IsDoneAtOnceWithWhatMeansNothing) {
  Record record = ErrorEvent("x");
  record.value.clear();  // an empty event, of no kind
  consumer_.Push(record);
  EXPECT_THAT(consumer_.done(), SizeIs(1));
  EXPECT_THAT(producer_.records(), IsEmpty());
  EXPECT_EQ(metrics_.events_ignored.Value(), 1);
}

TEST_F(EventHandlerTest, IsNotStoppedByAValueThatIsNoEvent) {
  Record record = ErrorEvent("x");
  record.value = "\xff\xff not a protobuf";
  consumer_.Push(record);
  consumer_.Push(ErrorEvent(std::string(40, 'a')));
  Run();
  EXPECT_THAT(consumer_.done(), SizeIs(2));
  const std::vector<Record> letters = producer_.RecordsOf(kDeadLettersTopic);
  ASSERT_THAT(letters, SizeIs(1));
  v1::DeadLetter letter;
  ASSERT_TRUE(letter.ParseFromString(letters[0].value));
  EXPECT_EQ(letter.reason(), v1::DeadLetter::UNDECODABLE);
  EXPECT_EQ(letter.undecodable(), record.value);
  EXPECT_THAT(producer_.RecordsOf(kStatusIntentsTopic), SizeIs(1));
}

TEST_F(EventHandlerTest, GivesUpAPartitionOnlyOnceItsIntentsAreWritten) {
  producer_.Hold();
  consumer_.Push(ErrorEvent(std::string(40, 'a')));
  bool revoked = false;
  boost::asio::co_spawn(
      loop_, consumer_.Revoke({{kFluxEventsTopic, 0}}),
      [&revoked](const std::exception_ptr& /*error*/) { revoked = true; });
  Run();
  EXPECT_FALSE(revoked);
  producer_.Release();
  loop_.restart();
  loop_.run_for(std::chrono::seconds(10));  // ends once nothing is left to do
  EXPECT_TRUE(revoked);
  EXPECT_THAT(consumer_.done(), SizeIs(1));
}

}  // namespace
}  // namespace lamplighter::dispatcher
