#include "services/dispatcher/status_service/outcome_watches.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "common/kafka/testing/fake_topic_reader.h"
#include "common/kafka/topic_names.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

namespace asio = boost::asio;
using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A client that watches.
struct Client {
  std::vector<v1::WatchOutcomesResponse> answers;
  absl::optional<absl::Status> ended;
  absl::Status write_error;

  // Ids of the intents it was told of.
  std::vector<std::string> Told() const {
    std::vector<std::string> ids;
    for (const auto& answer : answers) {
      if (answer.has_outcome()) ids.push_back(answer.outcome().intent().id());
    }
    return ids;
  }
  const std::string& Token() const { return answers.back().resume_token(); }
};

asio::awaitable<absl::Status> Take(Client* client,
                                   v1::WatchOutcomesResponse answer) {
  client->answers.push_back(std::move(answer));
  co_return client->write_error;
}

class OutcomeWatchesTest : public ::testing::Test {
 protected:
  OutcomeWatchesTest() {
    options_.max_streams = 2;
    watches_ = std::make_unique<OutcomeWatches>(
        options_,
        [this](const std::string& topic)
            -> absl::StatusOr<std::unique_ptr<TopicReader>> {
          EXPECT_EQ(topic, kStatusOutcomesTopic);
          return std::make_unique<FakeTopicReader>(topic_);
        },
        clock_, metrics_.AddGauges("streams", "Streams.").Add({}));
  }

  void Decide(const std::string& id, const std::string& repository = "x/a",
              v1::StatusOutcome::Result result = v1::StatusOutcome::SET,
              const std::string& sha = std::string(40, 'a')) {
    v1::StatusOutcome outcome;
    outcome.mutable_intent()->set_id(id);
    outcome.mutable_intent()->set_repository_id(repository);
    outcome.mutable_intent()->set_sha(sha);
    outcome.set_result(result);
    topic_.Write({topic_.name(), repository, outcome.SerializeAsString(), {}},
                 static_cast<int>(written_++ % 2));
  }

  std::unique_ptr<Client> Watch(const v1::WatchOutcomesRequest& request = {}) {
    auto client = std::make_unique<Client>();
    auto write = [client = client.get()](v1::WatchOutcomesResponse answer) {
      return Take(client, std::move(answer));
    };
    asio::co_spawn(loop_, watches_->Run(request, write),
                   [client = client.get()](const std::exception_ptr& error,
                                           absl::Status status) {
                     if (!error) client->ended = std::move(status);
                   });
    // Until it watches, or has ended.
    RunUntil([&client] {
      return !client->answers.empty() || client->ended.has_value();
    });
    return client;
  }

  // Runs the loop until `done`; fails the test after a while.
  template <typename Done>
  void RunUntil(Done done) {
    for (int i = 0; i < 10'000 && !done(); ++i) {
      loop_.restart();
      loop_.run_one_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(done());
  }
  void RunUntilTold(const Client& client, size_t count) {
    RunUntil([&client, count] { return client.Told().size() >= count; });
  }

  FakeTopic topic_{kStatusOutcomesTopic, 2};
  FakeClock clock_;
  Metrics metrics_;
  OutcomeWatches::Options options_;
  asio::io_context loop_;
  size_t written_ = 0;
  std::unique_ptr<OutcomeWatches> watches_;
};

TEST_F(OutcomeWatchesTest, TellsWhatIsDecidedFromNowOn) {
  Decide("before");
  const auto client = Watch();
  EXPECT_THAT(client->Told(), IsEmpty()) << "the first answer is a token";
  Decide("1");
  Decide("2");
  RunUntilTold(*client, 2);
  EXPECT_THAT(client->Told(), ::testing::UnorderedElementsAre("1", "2"));
}

TEST_F(OutcomeWatchesTest, GoesOnAfterTheAnswerWhoseTokenItIsGiven) {
  const auto first = Watch();
  for (const char* id : {"1", "2", "3", "4"}) {
    Decide(id);
    RunUntilTold(*first, first->Told().size() + 1);
  }
  ASSERT_THAT(first->Told(), ElementsAre("1", "2", "3", "4"));
  v1::WatchOutcomesRequest request;
  request.set_resume_token(first->answers[2].resume_token());  // after "2"
  const auto second = Watch(request);
  RunUntilTold(*second, 2);
  EXPECT_THAT(second->Told(), ElementsAre("3", "4"));
}

TEST_F(OutcomeWatchesTest, TellsOnlyWhatIsAskedFor) {
  v1::WatchOutcomesRequest request;
  request.add_repository_ids("X/A");
  request.add_results(v1::StatusOutcome::SET);
  request.add_results(v1::StatusOutcome::DEAD_LETTERED);
  request.set_sha(std::string(40, 'A'));
  const auto client = Watch(request);
  Decide("other repository", "x/b");
  Decide("other result", "x/a", v1::StatusOutcome::SUPERSEDED);
  Decide("other sha", "x/a", v1::StatusOutcome::SET, std::string(40, 'b'));
  Decide("this", "x/a", v1::StatusOutcome::DEAD_LETTERED);
  RunUntilTold(*client, 1);
  EXPECT_THAT(client->Told(), ElementsAre("this"));
}

TEST_F(OutcomeWatchesTest, TellsOfOneIntent) {
  v1::WatchOutcomesRequest request;
  request.set_intent_id("2");
  const auto client = Watch(request);
  for (const char* id : {"1", "2", "3"}) Decide(id);
  RunUntilTold(*client, 1);
  EXPECT_THAT(client->Told(), ElementsAre("2"));
}

TEST_F(OutcomeWatchesTest, BringsTheTokenForwardWhereNothingMatches) {
  v1::WatchOutcomesRequest request;
  request.set_intent_id("none");
  const auto client = Watch(request);
  const std::string begun = client->Token();
  Decide("1");
  clock_.Advance(options_.progress_interval);
  RunUntil([&client] { return client->answers.size() == 2; });
  EXPECT_THAT(client->Told(), IsEmpty());
  EXPECT_NE(client->Token(), begun);
}

TEST_F(OutcomeWatchesTest, RefusesATokenThatLeadsNowhere) {
  Decide("1");
  topic_.Expire(0, 1);
  v1::WatchOutcomesRequest request;
  request.set_resume_token("1:0,0");
  EXPECT_THAT(Watch(request)->ended,
              ::testing::Optional(StatusIs(StatusCode::kOutOfRange)));
  request.set_resume_token("nonsense");
  EXPECT_THAT(Watch(request)->ended,
              ::testing::Optional(StatusIs(StatusCode::kInvalidArgument)));
}

TEST_F(OutcomeWatchesTest, HasABoundOfStreamsAndRoomAgainWhenOneEnds) {
  const auto first = Watch();
  const auto second = Watch();
  EXPECT_THAT(Watch()->ended,
              ::testing::Optional(StatusIs(StatusCode::kResourceExhausted,
                                           HasSubstr("2 streams"))));
  first->write_error = absl::CancelledError("gone");
  Decide("1");
  RunUntil([&first] { return first->ended.has_value(); });
  const auto third = Watch();
  EXPECT_FALSE(third->ended.has_value());
}

TEST_F(OutcomeWatchesTest, EndsStreamsSoThatClientsResumeElsewhere) {
  const auto client = Watch();
  watches_->Stop();
  RunUntil([&client] { return client->ended.has_value(); });
  EXPECT_THAT(*client->ended,
              StatusIs(StatusCode::kUnavailable, HasSubstr("resume_token")));
}

TEST_F(OutcomeWatchesTest, PassesOnThatKafkaIsAway) {
  topic_.Fail(absl::UnavailableError("kafka: the brokers did not answer"));
  EXPECT_THAT(Watch()->ended,
              ::testing::Optional(StatusIs(StatusCode::kUnavailable)));
}

}  // namespace
}  // namespace lamplighter::dispatcher
