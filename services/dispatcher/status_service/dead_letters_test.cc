#include "services/dispatcher/status_service/dead_letters.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/kafka/topic_names.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/status_service/testing/dead_letters_fixture.h"

namespace lamplighter::dispatcher {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(DeadLettersTest, ListsWhatWasGivenUpOldestFirst) {
  EXPECT_THAT(Listed(), IsEmpty());
  Add(Letter(), 2);
  Add(Letter(), 0);
  Add(Letter(), 2);
  EXPECT_THAT(Listed(), ElementsAre("0/0", "2/0", "2/1"));
}

TEST_F(DeadLettersTest, ListsPageByPage) {
  for (int i = 0; i < 5; ++i) Add(Letter(), i % 2);
  v1::ListDeadLettersRequest request;
  request.set_page_size(2);
  std::vector<std::vector<std::string>> pages;
  do {
    const auto page = List(request);
    ASSERT_THAT(page, IsOk());
    pages.emplace_back();
    for (const auto& each : page->dead_letters()) {
      pages.back().push_back(each.id());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty() && pages.size() < 9);
  EXPECT_THAT(pages,
              ElementsAre(ElementsAre("0/0", "0/1"), ElementsAre("0/2", "1/0"),
                          ElementsAre("1/1")));
}

TEST_F(DeadLettersTest, ListsWhatIsAskedFor) {
  Add(Letter());
  v1::DeadLetter old = Letter();
  *old.mutable_given_up_at() = ToProto(clock_.Now() - absl::Hours(30));
  Add(old);
  v1::DeadLetter other = Letter();
  other.mutable_intent()->set_repository_id("github.com/acme/other");
  other.set_reason(v1::DeadLetter::EXPIRED);
  Add(other);
  v1::ListDeadLettersRequest since;
  since.mutable_filter()->mutable_since()->set_seconds(3 * 3600);
  EXPECT_THAT(Listed(since), ElementsAre("0/0", "0/2"));
  v1::ListDeadLettersRequest reason;
  reason.mutable_filter()->add_reasons(v1::DeadLetter::EXPIRED);
  EXPECT_THAT(Listed(reason), ElementsAre("0/2"));
  v1::ListDeadLettersRequest repository;
  repository.mutable_filter()->set_repository_id("GitHub.com/acme/fleet");
  EXPECT_THAT(Listed(repository), ElementsAre("0/0", "0/1"));
}

TEST_F(DeadLettersTest, ShowsBodiesOnlyWhereIdsAreAskedFor) {
  v1::DeadLetter letter = Letter();
  v1::FluxEvent& event = *letter.mutable_flux_event();
  event.set_id("event-1");
  event.mutable_raw()->set_data("the body");
  const std::string id = Add(letter);
  auto listed = List();
  ASSERT_THAT(listed, IsOk());
  EXPECT_THAT(listed->DebugString(), ::testing::Not(HasSubstr("the body")));
  EXPECT_EQ(listed->dead_letters(0).dead_letter().flux_event().id(), "event-1");
  v1::ListDeadLettersRequest request;
  request.mutable_filter()->add_ids(id);
  listed = List(request);
  ASSERT_THAT(listed, IsOk());
  EXPECT_THAT(listed->DebugString(), HasSubstr("the body"));
}

TEST_F(DeadLettersTest, FindsIdsWhereverTheyLie) {
  for (int i = 0; i < 2'000; ++i) Add(Letter(), i % 2);
  v1::ListDeadLettersRequest request;
  for (const char* id : {"1/3", "0/0", "0/999", "0/1", "1/3"}) {
    request.mutable_filter()->add_ids(id);
  }
  EXPECT_THAT(Listed(request), ElementsAre("0/0", "0/1", "0/999", "1/3"));
  request.mutable_filter()->add_ids("2/0");
  EXPECT_THAT(List(request), StatusIs(StatusCode::kNotFound, HasSubstr("2/0")));
}

TEST_F(DeadLettersTest, RefusesWhatCannotBeMeant) {
  v1::ListDeadLettersRequest request;
  request.set_page_size(1'001);
  EXPECT_THAT(List(request), StatusIs(StatusCode::kInvalidArgument));
  request.set_page_size(0);
  request.set_page_token("1:x");
  EXPECT_THAT(List(request),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("page_token")));
  request.clear_page_token();
  request.mutable_filter()->add_ids("17");
  EXPECT_THAT(List(request),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("3/1042")));
}

TEST_F(DeadLettersTest, ADryRunChangesNothing) {
  const std::string id = Add(Letter());
  v1::ReplayDeadLettersRequest replay;
  replay.set_dry_run(true);
  EXPECT_THAT(Replay(replay)->replayed(), ElementsAre(id));
  v1::DropDeadLettersRequest drop;
  drop.set_dry_run(true);
  drop.mutable_filter()->add_ids(id);
  EXPECT_THAT(Await(dead_letters_.Drop(drop, "ops"))->dropped(),
              ElementsAre(id));
  EXPECT_THAT(producer_.records(), IsEmpty());
}

TEST_F(DeadLettersTest, WhatWasDroppedIsNeitherListedNorReplayed) {
  const std::string dropped = Add(Letter());
  const std::string kept = Add(Letter());
  v1::DropDeadLettersRequest request;
  EXPECT_THAT(Await(dead_letters_.Drop(request, "ops")),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("filter")));
  request.mutable_filter()->add_ids(dropped);
  const auto response = Await(dead_letters_.Drop(request, "ops"));
  ASSERT_THAT(response, IsOk());
  EXPECT_THAT(response->dropped(), ElementsAre(dropped));
  v1::DeadLetterMark mark;
  ASSERT_TRUE(mark.ParseFromString(
      producer_.RecordsOf(kDeadLetterMarksTopic).at(0).value));
  EXPECT_EQ(mark.action(), v1::DeadLetterMark::DROPPED);
  EXPECT_THAT(Listed(), ElementsAre(kept));
  EXPECT_THAT(Replay()->replayed(), ElementsAre(kept));
}

}  // namespace
}  // namespace lamplighter::dispatcher
