#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/post.hpp"
#include "common/kafka/producer.h"
#include "common/kafka/record.h"

namespace lamplighter::ingest {

// A Producer on a broker that comes, goes and hesitates, as it is told. Unlike
// FakeProducer, it can end what is under way out of order, and fail until
// further notice.
class FakeBroker final : public Producer {
 public:
  explicit FakeBroker(boost::asio::io_context& loop) : loop_(loop) {}

  void Produce(Record record, Done done) override {
    const auto refusal = refused_.find(record.topic);
    if (SizeOf(record) > max_record_bytes_) {
      Complete(std::move(done), absl::InvalidArgumentError("too large"));
    } else if (parking_) {
      parked_.push_back({std::move(record), std::move(done)});
    } else if (!error_.ok()) {
      ++failures_;
      if (taking_) records_.push_back(std::move(record));
      Complete(std::move(done), error_);
    } else if (refusal != refused_.end()) {
      ++refusals_;
      Complete(std::move(done), refusal->second);
    } else {
      Accept(std::move(record), std::move(done));
    }
  }

  absl::Status Ready() const override { return ready_; }
  size_t max_record_bytes() const override { return max_record_bytes_; }

  // What becomes of records from now on: taken; failed, with or without lying
  // on the topic all the same; or neither, until told.
  void Take() { Set(absl::OkStatus(), false, false); }
  void Fail(absl::Status error) { Set(std::move(error), false, false); }
  void FailAfterTaking(absl::Status error) {
    Set(std::move(error), true, false);
  }
  void Park() { Set(absl::OkStatus(), false, true); }
  // Records of `topic` end so while others are taken; OK takes them again.
  void Refuse(const std::string& topic, absl::Status error) {
    if (error.ok()) {
      refused_.erase(topic);
    } else {
      refused_[topic] = std::move(error);
    }
  }

  size_t parked() const { return parked_.size(); }
  // Takes what is parked.
  void ReleaseAll() {
    for (Parked& parked : std::exchange(parked_, {})) {
      Accept(std::move(parked.record), std::move(parked.done));
    }
  }
  void EndAll(const absl::Status& error) {
    for (Parked& parked : std::exchange(parked_, {})) {
      Complete(std::move(parked.done), error);
    }
  }
  // Fails one that is parked.
  void End(size_t index, absl::Status error) {
    Complete(std::move(parked_[index].done), std::move(error));
    parked_.erase(parked_.begin() + static_cast<ptrdiff_t>(index));
  }
  // Ends all that is under way at once, as the end of a KafkaProducer does.
  void Stop() {
    std::vector<Done> dones;
    for (Parked& parked : std::exchange(parked_, {})) {
      dones.push_back(std::move(parked.done));
    }
    for (Ending& ending : std::exchange(endings_, {})) {
      dones.push_back(std::move(ending.done));
    }
    for (Done& done : dones) {
      std::move(done)(absl::CancelledError("stopped"));
    }
  }

  void set_ready(absl::Status ready) { ready_ = std::move(ready); }
  void set_max_record_bytes(size_t bytes) { max_record_bytes_ = bytes; }

  // Everything on its topics, in order.
  const std::vector<Record>& records() const { return records_; }
  std::vector<std::string> Values() const {
    std::vector<std::string> values;
    for (const Record& record : records_) values.push_back(record.value);
    return values;
  }
  int failures() const { return failures_; }
  int refusals() const { return refusals_; }

 private:
  struct Parked {
    Record record;
    Done done;
  };
  struct Ending {
    Done done;
    absl::StatusOr<RecordPosition> result;
  };

  static size_t SizeOf(const Record& record) {
    size_t size = record.key.size() + record.value.size();
    for (const RecordHeader& header : record.headers) {
      size += header.name.size() + header.value.size();
    }
    return size;
  }

  void Set(absl::Status error, bool taking, bool parking) {
    error_ = std::move(error);
    taking_ = taking;
    parking_ = parking;
  }

  void Accept(Record record, Done done) {
    const RecordPosition position{record.topic, 0,
                                  static_cast<int64_t>(records_.size())};
    records_.push_back(std::move(record));
    Complete(std::move(done), position);
  }

  // Through the loop, never within Produce().
  void Complete(Done done, absl::StatusOr<RecordPosition> result) {
    endings_.push_back({std::move(done), std::move(result)});
    boost::asio::post(loop_, [this] {
      if (endings_.empty()) return;  // stopped
      Ending ending = std::move(endings_.front());
      endings_.pop_front();
      std::move(ending.done)(std::move(ending.result));
    });
  }

  boost::asio::io_context& loop_;
  std::vector<Record> records_;
  std::vector<Parked> parked_;
  std::deque<Ending> endings_;
  absl::Status error_;
  bool taking_ = false;
  bool parking_ = false;
  absl::flat_hash_map<std::string, absl::Status> refused_;
  int failures_ = 0;
  int refusals_ = 0;
  absl::Status ready_;
  size_t max_record_bytes_ = 1'000'000;
};

}  // namespace lamplighter::ingest
