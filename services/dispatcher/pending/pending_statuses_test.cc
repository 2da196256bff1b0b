#include "services/dispatcher/pending/pending_statuses.h"

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/io_context.hpp"
#include "common/kafka/testing/fake_producer.h"
#include "common/kafka/topic_names.h"
#include "common/metrics/metrics.h"
#include "common/time/proto_time.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::chrono::seconds kDeadline(10);

TEST(MatchesPatternTest, AStarStandsForAnyCharacters) {
  EXPECT_TRUE(MatchesPattern("*", ""));
  EXPECT_TRUE(MatchesPattern("*", "kustomization/web"));
  EXPECT_TRUE(MatchesPattern("kustomization/*", "kustomization/web"));
  EXPECT_TRUE(MatchesPattern("*/web*", "kustomization/web/0c9c2e41"));
  EXPECT_TRUE(MatchesPattern("a*b*c", "a-b-b-c"));
  EXPECT_TRUE(MatchesPattern("web", "web"));
  EXPECT_FALSE(MatchesPattern("web", "web2"));
  EXPECT_FALSE(MatchesPattern("web*", "my-web"));
  EXPECT_FALSE(MatchesPattern("a*b", "a-c"));
  EXPECT_FALSE(MatchesPattern("", "web"));
}

class PendingStatusesTest : public ::testing::Test {
 protected:
  PendingStatusesTest() { pending_.OnRestored(0); }

  // What a push asks for that came now.
  v1::StatusIntent SeenContexts() const {
    v1::StatusIntent intent;
    intent.set_id("delivery-1/pending/aa");
    intent.set_event_id("delivery-1");
    intent.set_repository_id("github.com/acme/fleet");
    intent.set_sha(std::string(40, 'a'));
    intent.set_state(v1::PENDING);
    intent.set_seen_contexts(true);
    *intent.mutable_event_time() = ToProto(clock_.Now());
    *intent.mutable_pending_until() = ToProto(clock_.Now() + absl::Hours(1));
    return intent;
  }
  v1::StatusOutcome Outcome(const std::string& context) const {
    v1::StatusOutcome outcome;
    outcome.set_result(v1::StatusOutcome::SET);
    *outcome.mutable_decided_at() = ToProto(clock_.Now());
    v1::StatusIntent& intent = *outcome.mutable_intent();
    intent.set_repository_id("github.com/acme/fleet");
    intent.set_sha(std::string(40, 'b'));
    intent.set_context(context);
    intent.set_state(v1::SUCCESS);
    intent.mutable_provider()->set_namespace_("flux-system");
    intent.mutable_provider()->set_name(absl::StrCat("provider-of-", context));
    return outcome;
  }
  v1::StatusOutcome SetTo(const v1::StatusIntent& intent) const {
    v1::StatusOutcome outcome;
    outcome.set_result(v1::StatusOutcome::SET);
    *outcome.mutable_decided_at() = ToProto(clock_.Now());
    *outcome.mutable_intent() = intent;
    return outcome;
  }
  // A commit that shows one pending.
  v1::StatusIntent ShowPending() {
    pending_.Note(0, Outcome("web"));
    const v1::StatusIntent intent = pending_.Expand(SeenContexts()).at(0);
    pending_.Note(0, SetTo(intent));
    return intent;
  }
  void Advance(absl::Duration by) {
    clock_.Advance(by);
    pending_.Tick();
    loop_.restart();
    loop_.poll();
  }
  std::vector<v1::StatusIntent> Written() const {
    std::vector<v1::StatusIntent> intents;
    for (const Record& record : producer_.RecordsOf(kStatusIntentsTopic)) {
      EXPECT_TRUE(intents.emplace_back().ParseFromString(record.value));
    }
    return intents;
  }
  static std::vector<std::string> ContextsOf(
      const std::vector<v1::StatusIntent>& intents) {
    std::vector<std::string> contexts;
    for (const v1::StatusIntent& intent : intents) {
      contexts.push_back(intent.context());
    }
    return contexts;
  }

  boost::asio::io_context loop_;
  FakeProducer producer_{loop_};
  FakeClock clock_;
  Metrics registry_;
  DispatcherMetrics metrics_{registry_};
  PendingStatuses pending_{{.contexts = {}, .seen = {}, .max_watched = 2},
                           loop_,
                           producer_,
                           clock_,
                           metrics_};
};

TEST_F(PendingStatusesTest, AskForEachContextByTheProviderThatSetIt) {
  pending_.Note(0, Outcome("web"));
  pending_.Restore(0, Outcome("db"));
  const std::vector<v1::StatusIntent> intents = pending_.Expand(SeenContexts());
  ASSERT_THAT(ContextsOf(intents), ElementsAre("db", "web"));
  EXPECT_EQ(intents[0].id(), "delivery-1/pending/aa/db");
  EXPECT_EQ(intents[0].event_id(), "delivery-1");
  EXPECT_EQ(intents[0].provider().name(), "provider-of-db");
  EXPECT_EQ(intents[0].sha(), std::string(40, 'a'));
  EXPECT_EQ(intents[0].state(), v1::PENDING);
  EXPECT_FALSE(intents[0].seen_contexts());
  EXPECT_EQ(FromProto(intents[0].pending_until()),
            clock_.Now() + absl::Hours(1));
  EXPECT_EQ(metrics_.pendings_made.Value(), 2);
}

TEST_F(PendingStatusesTest, AskForTheSameWhenReadAgain) {
  pending_.Note(0, Outcome("web"));
  const v1::StatusIntent push = SeenContexts();
  const v1::StatusIntent first = pending_.Expand(push).at(0);
  clock_.Advance(absl::Minutes(10));
  EXPECT_EQ(pending_.Expand(push).at(0).SerializeAsString(),
            first.SerializeAsString());
}

TEST_F(PendingStatusesTest, AskForNothingThatWouldEndAtOnce) {
  pending_.Note(0, Outcome("web"));
  const v1::StatusIntent push = SeenContexts();
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(pending_.Expand(push), IsEmpty());
}

TEST_F(PendingStatusesTest, AskForWantedContextsSetLatelyAlone) {
  PendingStatuses wanting({.contexts = {"kustomization/*", "exact"},
                           .seen_within = absl::Hours(24),
                           .seen = {}},
                          loop_, producer_, clock_, metrics_);
  wanting.Note(0, Outcome("kustomization/old"));
  clock_.Advance(absl::Hours(25));
  wanting.Note(0, Outcome("kustomization/new"));
  wanting.Note(0, Outcome("exact"));
  wanting.Note(0, Outcome("exactly"));
  EXPECT_THAT(ContextsOf(wanting.Expand(SeenContexts())),
              ElementsAre("exact", "kustomization/new"));
}

TEST_F(PendingStatusesTest, AskForNoMoreThanCanBeWatched) {
  ShowPending();
  v1::StatusIntent second = ShowPending();
  second.set_context("other");
  pending_.Note(0, SetTo(second));
  EXPECT_THAT(pending_.Expand(SeenContexts()), IsEmpty());
}

TEST_F(PendingStatusesTest, WhatNobodyResolvesEndsAsAnErrorThatSaysWhy) {
  const v1::StatusIntent intent = ShowPending();
  Advance(absl::Hours(1) - absl::Nanoseconds(1));
  EXPECT_THAT(Written(), IsEmpty());
  Advance(absl::Nanoseconds(1));
  ASSERT_THAT(Written(), SizeIs(1));
  const v1::StatusIntent error = Written()[0];
  EXPECT_EQ(error.id(), absl::StrCat(intent.id(), "/timed-out"));
  EXPECT_EQ(error.state(), v1::ERROR);
  EXPECT_EQ(error.description(), "no result within 1h of the push");
  EXPECT_EQ(error.context(), "web");
  EXPECT_EQ(error.provider().name(), "provider-of-web");
  EXPECT_TRUE(error.has_pending_until()) << "a result replaces it";
  EXPECT_EQ(metrics_.pendings_timed_out.Value(), 0);
  pending_.Note(0, SetTo(error));
  EXPECT_EQ(metrics_.pendings_timed_out.Value(), 1);
  Advance(absl::Hours(1));
  EXPECT_THAT(Written(), SizeIs(1));
}

TEST_F(PendingStatusesTest, WhatIsResolvedDoesNotEnd) {
  v1::StatusIntent intent = ShowPending();
  intent.clear_pending_until();
  intent.set_state(v1::SUCCESS);
  pending_.Note(0, SetTo(intent));
  Advance(absl::Hours(2));
  EXPECT_THAT(Written(), IsEmpty());
}

TEST_F(PendingStatusesTest, AnErrorThatCannotBeWrittenIsTriedAgain) {
  ShowPending();
  producer_.FailNext(absl::ResourceExhaustedError("full"));
  Advance(absl::Hours(1));
  EXPECT_THAT(Written(), IsEmpty());
  Advance(absl::Seconds(5));
  EXPECT_THAT(Written(), SizeIs(1));
}

TEST_F(PendingStatusesTest, AreKnownAgainAfterARestart) {
  const v1::StatusIntent intent = ShowPending();
  PendingStatuses next({.contexts = {}, .seen = {}}, loop_, producer_, clock_,
                       metrics_);
  next.Restore(0, SetTo(intent));
  clock_.Advance(absl::Hours(3));
  next.Tick();
  EXPECT_THAT(Written(), IsEmpty()) << "its result may be on the ledger yet";
  next.OnRestored(0);
  // By itself, as it is due already.
  while (Written().empty()) ASSERT_GT(loop_.run_one_for(kDeadline), 0u);
  EXPECT_EQ(Written().at(0).state(), v1::ERROR);
}

TEST_F(PendingStatusesTest, EndOnlyWhereThePartitionIsOurs) {
  ShowPending();
  pending_.Forget(0);
  EXPECT_THAT(pending_.Expand(SeenContexts()), IsEmpty());
  Advance(absl::Hours(1));
  EXPECT_THAT(Written(), IsEmpty());
}

}  // namespace
}  // namespace lamplighter::dispatcher
