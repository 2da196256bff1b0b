#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "common/kafka/record.h"
#include "common/kafka/testing/fake_producer.h"
#include "common/kafka/testing/fake_topic_reader.h"
#include "common/kafka/topic_names.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/proto_time.h"
#include "common/time/testing/fake_clock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/status_service/dead_letters.h"

namespace lamplighter::dispatcher {

// Awaits `call` into `result`.
template <typename T>
boost::asio::awaitable<void> Store(
    boost::asio::awaitable<absl::StatusOr<T>> call, absl::StatusOr<T>* result,
    bool* ended) {
  *result = co_await std::move(call);
  *ended = true;
}

// Dead letters over topics in memory.
class DeadLettersTest : public ::testing::Test {
 protected:
  v1::DeadLetter Letter() const {
    v1::DeadLetter letter;
    letter.set_reason(v1::DeadLetter::REJECTED);
    v1::StatusIntent& intent = *letter.mutable_intent();
    intent.set_id("event-1");
    intent.set_repository_id("github.com/acme/fleet");
    intent.set_sha(std::string(40, 'a'));
    intent.set_context("web");
    *intent.mutable_event_time() = ToProto(clock_.Now() - absl::Hours(3));
    letter.set_original_topic(kStatusIntentsTopic);
    letter.set_original_partition(2);
    letter.set_original_offset(77);
    letter.set_original_key("github.com/acme/fleet");
    AddHeader(letter, "ce_id", "event-1");
    AddHeader(letter, "traceparent", "00-of-the-journey");
    *letter.mutable_given_up_at() = ToProto(clock_.Now() - absl::Hours(2));
    return letter;
  }
  static void AddHeader(v1::DeadLetter& letter, const std::string& name,
                        const std::string& value) {
    v1::Header& header = *letter.add_original_headers();
    header.set_name(name);
    header.set_value(value);
  }

  // Puts a letter on the topic; its id.
  std::string Add(const v1::DeadLetter& letter, int partition = 0) {
    const RecordPosition position =
        letters_topic_.Write({kDeadLettersTopic,
                              "the letter's own key",
                              letter.SerializeAsString(),
                              {}},
                             partition, FromProto(letter.given_up_at()));
    return absl::StrCat(position.partition, "/", position.offset);
  }

  // Puts what was produced as marks on their topic, as Kafka does.
  void DeliverMarks() {
    const std::vector<Record> marks =
        producer_.RecordsOf(kDeadLetterMarksTopic);
    for (; delivered_marks_ < marks.size(); ++delivered_marks_) {
      marks_topic_.Write(marks[delivered_marks_]);
    }
  }

  template <typename T>
  absl::StatusOr<T> Await(boost::asio::awaitable<absl::StatusOr<T>> call) {
    absl::StatusOr<T> result = absl::InternalError("it did not end");
    bool ended = false;
    boost::asio::co_spawn(loop_, Store(std::move(call), &result, &ended),
                          [](const std::exception_ptr& error) {
                            if (error) std::rethrow_exception(error);
                          });
    RunUntil([&ended] { return ended; });
    DeliverMarks();
    return result;
  }

  // Runs the loop until `done`; fails the test after a while.
  template <typename Done>
  void RunUntil(Done done) {
    for (int i = 0; i < 1'000 && !done(); ++i) {
      loop_.restart();
      loop_.run_one_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(done());
  }

  absl::StatusOr<v1::ListDeadLettersResponse> List(
      const v1::ListDeadLettersRequest& request = {}) {
    return Await(dead_letters_.List(request));
  }
  std::vector<std::string> Listed(
      const v1::ListDeadLettersRequest& request = {}) {
    std::vector<std::string> ids;
    const auto response = List(request);
    EXPECT_THAT(response, IsOk());
    if (!response.ok()) return ids;
    for (const auto& each : response->dead_letters()) ids.push_back(each.id());
    return ids;
  }
  absl::StatusOr<v1::ReplayDeadLettersResponse> Replay(
      const v1::ReplayDeadLettersRequest& request = {}) {
    return Await(dead_letters_.Replay(request, "ops"));
  }

  FakeClock clock_;
  Metrics metrics_;
  boost::asio::io_context loop_;
  FakeProducer producer_{loop_};
  FakeTopic letters_topic_{kDeadLettersTopic, 3};
  FakeTopic marks_topic_{kDeadLetterMarksTopic};
  size_t delivered_marks_ = 0;
  DeadLetters dead_letters_{
      [this](const std::string& topic)
          -> absl::StatusOr<std::unique_ptr<TopicReader>> {
        return std::make_unique<FakeTopicReader>(
            topic == kDeadLettersTopic ? letters_topic_ : marks_topic_);
      },
      producer_,
      clock_,
      {metrics_.AddCounters("marked", "Marked.").Add({{"action", "replayed"}}),
       metrics_.AddCounters("marked", "Marked.").Add({{"action", "dropped"}})}};
};

}  // namespace lamplighter::dispatcher
