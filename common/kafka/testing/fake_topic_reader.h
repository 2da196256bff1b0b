#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/kafka/record.h"
#include "common/kafka/topic_reader.h"

namespace lamplighter {

// A topic in memory, which any number of FakeTopicReaders read. On the loop
// only.
class FakeTopic {
 public:
  explicit FakeTopic(std::string name, int32_t partitions = 1)
      : name_(std::move(name)), partitions_(partitions) {}

  // Writes a record at the end of `partition`; where it lies.
  RecordPosition Write(Record record, int32_t partition = 0,
                       absl::Time when = absl::UnixEpoch()) {
    Partition& to = partitions_.at(partition);
    const RecordPosition position{
        name_, partition, to.first + static_cast<int64_t>(to.records.size())};
    record.topic = name_;
    to.records.push_back({{std::move(record), position}, when});
    return position;
  }

  // Forgets the oldest `count` records of `partition`, as retention does.
  void Expire(int32_t partition, int count) {
    Partition& of = partitions_.at(partition);
    of.records.erase(of.records.begin(), of.records.begin() + count);
    of.first += count;
  }

  // From now on the brokers answer with `error`; OK: they answer again.
  void Fail(absl::Status error) { error_ = std::move(error); }

  const std::string& name() const { return name_; }

 private:
  friend class FakeTopicReader;
  struct Written {
    ConsumedRecord record;
    absl::Time when;
  };
  struct Partition {
    int64_t first = 0;
    std::deque<Written> records;
    int64_t end() const { return first + static_cast<int64_t>(records.size()); }
  };

  const std::string name_;
  std::vector<Partition> partitions_;
  absl::Status error_;
};

// Reads a FakeTopic. Next() waits for 10 ms at most, however long its limit, so
// that a test need not wait for what does not come.
class FakeTopicReader final : public TopicReader {
 public:
  // `topic` must outlive the reader.
  explicit FakeTopicReader(FakeTopic& topic) : topic_(topic) {}

  boost::asio::awaitable<absl::StatusOr<std::vector<PartitionOffsets>>> Offsets(
      absl::Duration limit) override {
    return OffsetsSince(absl::InfinitePast(), limit);
  }

  boost::asio::awaitable<absl::StatusOr<std::vector<PartitionOffsets>>>
  OffsetsSince(absl::Time since, absl::Duration /*limit*/) override {
    if (!topic_.error_.ok()) co_return topic_.error_;
    std::vector<PartitionOffsets> offsets;
    for (const FakeTopic::Partition& partition : topic_.partitions_) {
      const auto found = std::find_if(
          partition.records.begin(), partition.records.end(),
          [since](const auto& written) { return written.when >= since; });
      offsets.push_back({static_cast<int32_t>(offsets.size()),
                         partition.first + (found - partition.records.begin()),
                         partition.end()});
    }
    co_return offsets;
  }

  absl::Status Assign(std::vector<RecordPosition> from) override {
    std::map<int32_t, int64_t> next;
    for (const RecordPosition& position : from) {
      if (position.topic != topic_.name_ || position.offset < 0 ||
          !next.emplace(position.partition, position.offset).second) {
        return absl::InvalidArgumentError("not to be read");
      }
    }
    next_ = std::move(next);
    return absl::OkStatus();
  }

  boost::asio::awaitable<absl::StatusOr<std::vector<ConsumedRecord>>> Next(
      absl::Duration limit) override {
    auto records = Take();
    if (!records.ok() || !records->empty() || next_.empty()) co_return records;
    boost::asio::steady_timer timeout(
        co_await boost::asio::this_coro::executor);
    timeout.expires_after(
        absl::ToChronoNanoseconds(std::min(limit, absl::Milliseconds(10))));
    co_await timeout.async_wait(
        boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return Take();
  }

 private:
  absl::StatusOr<std::vector<ConsumedRecord>> Take() {
    if (!topic_.error_.ok()) return topic_.error_;
    std::vector<ConsumedRecord> records;
    for (auto& [number, next] : next_) {
      if (number < 0 ||
          static_cast<size_t>(number) >= topic_.partitions_.size()) {
        return absl::InvalidArgumentError("no such partition");
      }
      const FakeTopic::Partition& partition = topic_.partitions_[number];
      if (next < partition.first || next > partition.end()) {
        return absl::OutOfRangeError(
            absl::StrCat("partition ", number, " does not hold offset ", next));
      }
      for (; next < partition.end(); ++next) {
        records.push_back(partition.records[next - partition.first].record);
      }
    }
    return records;
  }

  FakeTopic& topic_;
  std::map<int32_t, int64_t> next_;  // by partition
};

}  // namespace lamplighter
