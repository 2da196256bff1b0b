#include <string>
#include <vector>

#include "absl/status/status.h"
#include "boost/asio/co_spawn.hpp"
#include "common/kafka/record.h"
#include "common/kafka/topic_names.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/status_service/dead_letters.h"
#include "services/dispatcher/status_service/replay.h"
#include "services/dispatcher/status_service/testing/dead_letters_fixture.h"

namespace lamplighter::dispatcher {
namespace {

namespace asio = boost::asio;
using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(DeadLettersTest, ReplaysAnIntentAsItWasAndMarksIt) {
  const std::string id = Add(Letter());
  const auto response = Replay();
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->replayed(), ElementsAre(id));
  const auto replayed = producer_.RecordsOf(kStatusIntentsTopic);
  ASSERT_THAT(replayed, SizeIs(1));
  EXPECT_EQ(replayed[0].key, "github.com/acme/fleet");
  EXPECT_EQ(FindHeader(replayed[0], "ce_id"), "event-1");
  EXPECT_EQ(FindHeader(replayed[0], "traceparent"), "00-of-the-journey");
  v1::StatusIntent intent;
  ASSERT_TRUE(intent.ParseFromString(replayed[0].value));
  EXPECT_EQ(intent.id(), "event-1");
  EXPECT_EQ(FromProto(intent.event_time()), clock_.Now() - absl::Hours(3))
      << "what came since stays newer";
  EXPECT_EQ(intent.retry().first_offset(), 77) << "it keeps its turn";
  EXPECT_EQ(FromProto(intent.retry().taken_at()), clock_.Now())
      << "it is tried for as long as a new one";
  EXPECT_EQ(intent.replays(), 1);

  const auto marks = producer_.RecordsOf(kDeadLetterMarksTopic);
  ASSERT_THAT(marks, SizeIs(1));
  EXPECT_EQ(marks[0].key, id);
  v1::DeadLetterMark mark;
  ASSERT_TRUE(mark.ParseFromString(marks[0].value));
  EXPECT_EQ(mark.action(), v1::DeadLetterMark::REPLAYED);
  EXPECT_EQ(mark.client(), "ops");

  EXPECT_THAT(Listed(), IsEmpty());
  EXPECT_THAT(Replay()->replayed(), IsEmpty());
}

TEST_F(DeadLettersTest, ReplaysAnEventWithACountOfItsReplays) {
  v1::DeadLetter letter = Letter();
  letter.mutable_flux_event()->set_id("event-1");
  letter.set_original_topic(kFluxEventsTopic);
  letter.set_original_key("prod/apps/Kustomization/web");
  letter.set_replays(1);
  AddHeader(letter, kReplaysHeader, "1");
  Add(letter);
  ASSERT_THAT(Replay(), IsOk());
  const auto replayed = producer_.RecordsOf(kFluxEventsTopic);
  ASSERT_THAT(replayed, SizeIs(1));
  EXPECT_EQ(replayed[0].key, "prod/apps/Kustomization/web");
  EXPECT_THAT(replayed[0].headers, SizeIs(3)) << "the old count is gone";
  EXPECT_EQ(FindHeader(replayed[0], kReplaysHeader), "2");
  v1::FluxEvent event;
  ASSERT_TRUE(event.ParseFromString(replayed[0].value));
  EXPECT_EQ(event.id(), "event-1");
}

TEST_F(DeadLettersTest, ALetterWithoutTheOldHeadersIsReplayedAllTheSame) {
  v1::DeadLetter letter = Letter();
  letter.clear_original_headers();
  letter.clear_original_key();
  Add(letter);
  ASSERT_THAT(Replay(), IsOk());
  const auto replayed = producer_.RecordsOf(kStatusIntentsTopic);
  ASSERT_THAT(replayed, SizeIs(1));
  EXPECT_EQ(replayed[0].key, "the letter's own key");
  EXPECT_EQ(FindHeader(replayed[0], "ce_id"), "event-1");
}

TEST_F(DeadLettersTest, LeavesAloneWhatWasReplayedTooOften) {
  v1::DeadLetter letter = Letter();
  letter.set_replays(2);
  Add(letter);
  letter.set_replays(3);
  const std::string often = Add(letter);
  auto response = Replay();
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->replayed(), ElementsAre("0/0"));
  EXPECT_THAT(response->quarantined(), ElementsAre(often));
  EXPECT_THAT(Listed(), ElementsAre(often));
  v1::ReplayDeadLettersRequest request;
  request.set_include_quarantined(true);
  response = Replay(request);
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->replayed(), ElementsAre(often));
}

TEST_F(DeadLettersTest, SaysWhatCannotBeReplayed) {
  v1::DeadLetter letter = Letter();
  letter.set_undecodable("\xff");
  const std::string id = Add(letter);
  const auto response = Replay();
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->not_replayable(), ElementsAre(id));
  EXPECT_THAT(producer_.records(), IsEmpty());
}

TEST_F(DeadLettersTest, ReplaysNoMoreThanAskedForAndSaysThatThereIsMore) {
  for (int i = 0; i < 450; ++i) Add(Letter());
  v1::ReplayDeadLettersRequest request;
  request.set_max(400);
  const auto response = Replay(request);
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->replayed(), SizeIs(400));
  EXPECT_TRUE(response->more());
  EXPECT_FALSE(Replay(request)->more());
  EXPECT_THAT(producer_.RecordsOf(kStatusIntentsTopic), SizeIs(450));
}

TEST_F(DeadLettersTest, WhatKafkaDidNotTakeIsNotMarkedAndReplayedAgain) {
  Add(Letter());
  Add(Letter());
  producer_.FailNext(absl::UnavailableError("kafka: timed out"));
  EXPECT_THAT(Replay(), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(producer_.RecordsOf(kStatusIntentsTopic), SizeIs(1));
  EXPECT_THAT(Listed(), ElementsAre("0/0"));
  EXPECT_THAT(Replay()->replayed(), ElementsAre("0/0"));
}

TEST_F(DeadLettersTest, AMarkIsWrittenOnlyOnceTheReplayIsSafe) {
  Add(Letter());
  producer_.Hold();
  bool ended = false;
  absl::StatusOr<v1::ReplayDeadLettersResponse> response =
      absl::InternalError("under way");
  asio::co_spawn(loop_,
                 Store(dead_letters_.Replay({}, "ops"), &response, &ended),
                 [](const std::exception_ptr&) {});
  RunUntil([this] { return producer_.held() > 0; });
  EXPECT_THAT(producer_.RecordsOf(kStatusIntentsTopic), SizeIs(1));
  EXPECT_THAT(producer_.RecordsOf(kDeadLetterMarksTopic), IsEmpty());
  EXPECT_THAT(Replay(), StatusIs(StatusCode::kAborted)) << "one at a time";
  producer_.Release();
  RunUntil([&ended] { return ended; });
  EXPECT_THAT(producer_.RecordsOf(kDeadLetterMarksTopic), SizeIs(1));
}

}  // namespace
}  // namespace lamplighter::dispatcher
