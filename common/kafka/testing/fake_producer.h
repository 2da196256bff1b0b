#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/post.hpp"
#include "common/kafka/producer.h"

namespace lamplighter {

// Remembers what is produced. Completes through the loop, never within
// Produce(), and in the order of the calls.
class FakeProducer final : public Producer {
 public:
  explicit FakeProducer(boost::asio::io_context& loop) : loop_(loop) {}

  void Produce(Record record, Done done) override {
    if (!failures_.empty()) {
      Complete({std::move(done), std::move(failures_.front())});
      failures_.pop_front();
      return;
    }
    const RecordPosition position{record.topic, record.partition.value_or(0),
                                  next_[record.topic]++};
    records_.push_back(std::move(record));
    Complete({std::move(done), position});
  }

  absl::Status Ready() const override { return ready_; }
  size_t max_record_bytes() const override { return max_record_bytes_; }

  // Fails the next `times` records with `error`; they are not in records().
  void FailNext(const absl::Status& error, int times = 1) {
    failures_.insert(failures_.end(), times, error);
  }

  // Keeps completions back until Release(), as a broker that is away does.
  void Hold() { holding_ = true; }
  void Release() {
    holding_ = false;
    for (Completion& held : std::exchange(held_, {})) Complete(std::move(held));
  }
  size_t held() const { return held_.size(); }

  void set_ready(absl::Status ready) { ready_ = std::move(ready); }
  void set_max_record_bytes(size_t bytes) { max_record_bytes_ = bytes; }

  // Everything accepted so far, in order.
  const std::vector<Record>& records() const { return records_; }

  // What was accepted for `topic`, in order.
  std::vector<Record> RecordsOf(absl::string_view topic) const {
    std::vector<Record> found;
    std::copy_if(
        records_.begin(), records_.end(), std::back_inserter(found),
        [topic](const Record& record) { return record.topic == topic; });
    return found;
  }

 private:
  struct Completion {
    Done done;
    absl::StatusOr<RecordPosition> result;
  };

  void Complete(Completion completion) {
    if (holding_) {
      held_.push_back(std::move(completion));
      return;
    }
    boost::asio::post(loop_, [completion = std::move(completion)]() mutable {
      std::move(completion.done)(std::move(completion.result));
    });
  }

  boost::asio::io_context& loop_;
  std::vector<Record> records_;
  std::map<std::string, int64_t> next_;
  std::deque<absl::Status> failures_;
  std::vector<Completion> held_;
  bool holding_ = false;
  absl::Status ready_;
  size_t max_record_bytes_ = 1'000'000;
};

}  // namespace lamplighter
