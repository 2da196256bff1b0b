// How EventHandler waits for what has to be looked up.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/sleeper.h"
#include "common/kafka/testing/fake_consumer.h"
#include "common/kafka/testing/fake_producer.h"
#include "common/kafka/topic_names.h"
#include "common/kubernetes/testing/fake_object_lookup.h"
#include "common/manifests/manifest_source.h"
#include "common/manifests/objects.h"
#include "common/metrics/metrics.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/router/event_handler.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Time passes for those who sleep.
class AdvancingSleeper final : public Sleeper {
 public:
  explicit AdvancingSleeper(FakeClock& clock) : clock_(clock) {}
  boost::asio::awaitable<absl::Status> SleepFor(
      absl::Duration duration) override {
    slept.push_back(duration);
    clock_.Advance(duration);
    co_return absl::OkStatus();
  }
  std::vector<absl::Duration> slept;

 private:
  FakeClock& clock_;
};

// Provider "forge" for one repository, and Alerts for it.
class Alerts final : public ManifestSource {
 public:
  Alerts() {
    Provider& provider = manifests_.providers[{"flux-system", "forge"}];
    provider.namespace_ = "flux-system";
    provider.name = "forge";
    provider.type = "github";
    provider.address = "https://github.com/acme/fleet";
  }
  void Add(const std::string& name, const EventSource& source) {
    Alert& alert = manifests_.alerts[{"flux-system", name}];
    alert.namespace_ = "flux-system";
    alert.name = name;
    alert.provider_ref = "forge";
    alert.summary = name;  // so that each makes a status of its own
    alert.event_sources = {source};
  }
  Provider& TheProvider() {
    return manifests_.providers.at({"flux-system", "forge"});
  }
  std::shared_ptr<const Manifests> Current() const override {
    return std::make_shared<const Manifests>(manifests_);
  }

 private:
  Manifests manifests_;
};

class EventLookupTest : public ::testing::Test {
 protected:
  EventLookupTest() {
    alerts_.Add("by-label", {"Kustomization", "flux-system", "*",
                             ObjectLookup::Labels{{"team", "a"}}});
    alerts_.Add("plain", {"HelmRelease", "flux-system", "*", absl::nullopt});
    objects_.Set("Kustomization", "flux-system", "apps", {{"team", "a"}},
                 "https://github.com/acme/apps");
    objects_.Set("Kustomization", "flux-system", "other", {{"team", "b"}});
    EXPECT_TRUE(consumer_.Start(handler_).ok());
  }

  void Push(const std::string& kind, const std::string& name,
            int partition = 0) {
    v1::FluxEvent event;
    event.set_id(absl::StrCat("event-", ++pushed_));
    event.mutable_involved_object()->set_kind(kind);
    event.mutable_involved_object()->set_namespace_("flux-system");
    event.mutable_involved_object()->set_name(name);
    event.set_severity("error");
    (*event.mutable_metadata())["revision"] = std::string(40, 'a');
    PushValue(event.SerializeAsString(), partition);
  }
  void PushValue(const std::string& value, int partition) {
    Record record;
    record.topic = kFluxEventsTopic;
    record.value = value;
    consumer_.Push(record, partition);
  }
  void Run() {
    loop_.restart();
    loop_.poll();
  }
  // Gives up partition 0.
  bool Revoke() {
    bool revoked = false;
    boost::asio::co_spawn(
        loop_, consumer_.Revoke({{kFluxEventsTopic, 0}}),
        [&revoked](const std::exception_ptr& /*error*/) { revoked = true; });
    Run();
    return revoked;
  }

  // The ids of the events that became intents, in order.
  std::vector<std::string> Routed() const {
    std::vector<std::string> ids;
    for (const Record& record : producer_.RecordsOf(kStatusIntentsTopic)) {
      v1::StatusIntent intent;
      EXPECT_TRUE(intent.ParseFromString(record.value));
      ids.push_back(intent.event_id());
    }
    return ids;
  }
  v1::DeadLetter OnlyDeadLetter() const {
    const std::vector<Record> letters = producer_.RecordsOf(kDeadLettersTopic);
    EXPECT_THAT(letters, SizeIs(1));
    v1::DeadLetter letter;
    if (!letters.empty()) {
      EXPECT_TRUE(letter.ParseFromString(letters[0].value));
    }
    return letter;
  }
  std::vector<int64_t> DoneOffsets(int partition = 0) const {
    std::vector<int64_t> offsets;
    for (const RecordPosition& position : consumer_.done()) {
      if (position.partition == partition) offsets.push_back(position.offset);
    }
    return offsets;
  }

  int pushed_ = 0;
  FakeClock clock_;
  AdvancingSleeper sleeper_{clock_};
  boost::asio::io_context loop_;
  FakeConsumer consumer_;
  FakeProducer producer_{loop_};
  FakeObjectLookup objects_;
  Alerts alerts_;
  Router router_{{}, alerts_};
  Metrics registry_;
  DispatcherMetrics metrics_{registry_};
  EventHandler handler_{loop_,     router_,  &objects_, consumer_,
                        producer_, sleeper_, clock_,    metrics_};
};

TEST_F(EventLookupTest, MatchesByTheLabelsOfTheObject) {
  Push("Kustomization", "apps");
  Push("Kustomization", "other");
  Push("Kustomization", "gone");
  Run();
  EXPECT_THAT(Routed(), ElementsAre("event-1"));
  EXPECT_THAT(producer_.RecordsOf(kDeadLettersTopic), IsEmpty());
  EXPECT_THAT(DoneOffsets(), ElementsAre(0, 1, 2));
  EXPECT_EQ(objects_.label_lookups(), 3);
}

TEST_F(EventLookupTest, RoutesAtOnceWhatNeedsNoLookup) {
  Push("HelmRelease", "web");
  EXPECT_THAT(Routed(), ElementsAre("event-1")) << "the loop did not turn";
  Run();
  EXPECT_EQ(objects_.label_lookups() + objects_.repository_lookups(), 0);
}

TEST_F(EventLookupTest, LooksUpOnceForAnEventHoweverManyAlertsAsk) {
  for (int i = 0; i < 100; ++i) {
    alerts_.Add(absl::StrCat("alert-", i),
                {"Kustomization", "flux-system", i % 2 == 0 ? "*" : "apps",
                 ObjectLookup::Labels{{"team", "a"}}});
  }
  alerts_.TheProvider().address = "https://github.com/acme";
  alerts_.TheProvider().annotations["lamplighter.dev/account"] = "true";
  Push("Kustomization", "apps");
  Run();
  EXPECT_THAT(Routed(), SizeIs(101));
  EXPECT_EQ(objects_.label_lookups(), 1);
  EXPECT_EQ(objects_.repository_lookups(), 1);
  EXPECT_THAT(producer_.RecordsOf(kStatusIntentsTopic)[0].key,
              "github.com/acme/apps");
}

TEST_F(EventLookupTest, KeepsTheOrderOfAPartitionAndHoldsUpNoOther) {
  objects_.Hold();
  Push("Kustomization", "apps");  // waits
  Push("HelmRelease", "web");     // behind it
  PushValue("\xff no event", 0);  // the same
  Push("Kustomization", "apps");  // would wait by itself
  Push("HelmRelease", "web", 1);  // of another partition
  Run();
  EXPECT_THAT(Routed(), ElementsAre("event-4"));
  EXPECT_THAT(DoneOffsets(), IsEmpty());
  EXPECT_THAT(DoneOffsets(1), ElementsAre(0));
  EXPECT_EQ(consumer_.Committable(kFluxEventsTopic, 0), 0);

  objects_.Release();
  Run();
  EXPECT_THAT(Routed(),
              ElementsAre("event-4", "event-1", "event-2", "event-3"));
  EXPECT_THAT(DoneOffsets(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(OnlyDeadLetter().reason(), v1::DeadLetter::UNDECODABLE);

  Push("HelmRelease", "web");
  EXPECT_THAT(Routed(), SizeIs(5)) << "nothing holds it back any more";
}

TEST_F(EventLookupTest, LosesNothingWhileTheServerIsAway) {
  objects_.FailNext(absl::UnavailableError("503"), 7);
  Push("Kustomization", "apps");
  Push("HelmRelease", "web");
  Run();
  EXPECT_THAT(Routed(), ElementsAre("event-1", "event-2"));
  EXPECT_EQ(objects_.label_lookups(), 8);
  EXPECT_THAT(sleeper_.slept,
              ElementsAre(absl::Seconds(1), absl::Seconds(2), absl::Seconds(4),
                          absl::Seconds(8), absl::Seconds(16),
                          absl::Seconds(30), absl::Seconds(30)));
  objects_.FailNext(absl::UnauthenticatedError("the token is being rotated"));
  Push("Kustomization", "apps");
  Run();
  EXPECT_THAT(Routed(), SizeIs(3));
}

TEST_F(EventLookupTest, GivesUpADayLaterWithADeadLetter) {
  objects_.FailNext(absl::UnavailableError("503: webhook down"), 1'000'000);
  Push("Kustomization", "apps");
  Push("HelmRelease", "web");
  Run();
  EXPECT_THAT(Routed(), ElementsAre("event-2"));
  EXPECT_THAT(OnlyDeadLetter().detail(), HasSubstr("webhook down"));
  EXPECT_GE(clock_.MonotonicNow(), absl::Hours(24));
  EXPECT_LT(objects_.label_lookups(), 3000);
}

TEST_F(EventLookupTest, WritesADeadLetterThatSaysWhatToGrant) {
  const absl::Duration began = clock_.MonotonicNow();
  objects_.FailNext(absl::PermissionDeniedError("grant get of kustomizations"),
                    1000);
  Push("Kustomization", "apps");
  Run();
  EXPECT_THAT(OnlyDeadLetter().detail(),
              AllOf(HasSubstr("Alert flux-system/by-label"),
                    HasSubstr("grant get of kustomizations")));
  EXPECT_EQ(OnlyDeadLetter().reason(), v1::DeadLetter::BAD_CONFIGURATION);
  EXPECT_EQ(clock_.MonotonicNow() - began, absl::Seconds(31));
  EXPECT_THAT(DoneOffsets(), ElementsAre(0));
  const int lookups = objects_.label_lookups();
  Push("Kustomization", "apps");
  Run();
  EXPECT_EQ(objects_.label_lookups(), lookups + 1) << "it is believed by now";
  EXPECT_THAT(DoneOffsets(), ElementsAre(0, 1));
}

TEST_F(EventLookupTest, OutlastsAServerThatHasJustStartedAndRefusesEverybody) {
  for (int i = 0; i < 2; ++i) {  // the second time as the first
    objects_.FailNext(absl::PermissionDeniedError("RBAC is not loaded"), 3);
    Push("Kustomization", "apps");
    Run();
  }
  EXPECT_THAT(Routed(), ElementsAre("event-1", "event-2"));
}

TEST_F(EventLookupTest, ForgetsWhatWaitsWhenThePartitionGoes) {
  objects_.Hold();
  Push("Kustomization", "apps");
  Push("HelmRelease", "web");
  Run();
  EXPECT_TRUE(Revoke()) << "a look-up does not hold up the group";
  // It comes back before the answer does.
  Push("HelmRelease", "web");
  EXPECT_THAT(Routed(), ElementsAre("event-3"));
  objects_.Release();
  Run();
  EXPECT_THAT(Routed(), ElementsAre("event-3"))
      << "whoever reads it next does the rest";
  EXPECT_THAT(DoneOffsets(), ElementsAre(2));
}

TEST_F(EventLookupTest, StopsInTheMiddleOfALookup) {
  objects_.Hold();
  Push("Kustomization", "apps");
  Run();
  bool stopped = false;
  boost::asio::co_spawn(
      loop_, handler_.Stop(),
      [&stopped](const std::exception_ptr& /*error*/) { stopped = true; });
  Run();
  EXPECT_TRUE(stopped);
  EXPECT_THAT(producer_.records(), IsEmpty());
  EXPECT_THAT(consumer_.done(), IsEmpty());
}

TEST_F(EventLookupTest, MatchesNoLabelsWhereNothingCanBeLookedUp) {
  FakeConsumer consumer;
  EventHandler handler(loop_, router_, /*objects=*/nullptr, consumer, producer_,
                       sleeper_, clock_, metrics_);
  ASSERT_TRUE(consumer.Start(handler).ok());
  handler_.OnAssigned({});
  v1::FluxEvent event;
  event.mutable_involved_object()->set_kind("Kustomization");
  event.mutable_involved_object()->set_namespace_("flux-system");
  event.mutable_involved_object()->set_name("apps");
  event.set_severity("error");
  (*event.mutable_metadata())["revision"] = std::string(40, 'a');
  Record record;
  record.topic = kFluxEventsTopic;
  record.value = event.SerializeAsString();
  consumer.Push(record);
  EXPECT_THAT(consumer.done(), SizeIs(1));
  EXPECT_THAT(producer_.records(), IsEmpty());

  alerts_.TheProvider().address = "https://github.com/acme";
  alerts_.TheProvider().annotations["lamplighter.dev/account"] = "true";
  event.mutable_involved_object()->set_kind("HelmRelease");
  record.value = event.SerializeAsString();
  consumer.Push(record);
  EXPECT_THAT(OnlyDeadLetter().detail(),
              AllOf(HasSubstr("event.toolkit.fluxcd.io/repository"),
                    HasSubstr("dispatcher.manifests.kubernetes")));
}

}  // namespace
}  // namespace lamplighter::dispatcher
