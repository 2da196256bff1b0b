#include "services/dispatcher/publisher.h"

#include <algorithm>
#include <chrono>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/steady_timer.hpp"
#include "boost/system/error_code.hpp"
#include "common/log/log.h"

namespace lamplighter::dispatcher {
namespace {

// Between tries of a record that the producer did not take.
constexpr std::chrono::seconds kRetryInterval(1);

constexpr absl::Duration kPollInterval = absl::Milliseconds(10);

}  // namespace

// What one consumed record waits for.
struct Publisher::Batch {
  RecordPosition origin;
  size_t unwritten = 0;
};

struct Publisher::Shared : std::enable_shared_from_this<Shared> {
  Shared(boost::asio::io_context& loop, Consumer& consumer, Producer& producer)
      : loop(loop), consumer(consumer), producer(producer) {}

  void Write(std::shared_ptr<Batch> batch, Record record) {
    // Kept for another try; the producer copies no less.
    auto kept = std::make_shared<const Record>(record);
    producer.Produce(
        std::move(record),
        [shared = shared_from_this(), batch = std::move(batch),
         kept](const absl::StatusOr<RecordPosition>& result) mutable {
          if (shared->closed) return;
          if (result.ok()) {
            shared->OnWritten(*batch);
          } else {
            shared->OnRefused(std::move(batch), *kept, result.status());
          }
        });
  }

  void OnWritten(Batch& batch) {
    if (--batch.unwritten == 0) Done(batch);
  }

  void Done(const Batch& batch) {
    const auto it = pending.find(
        TopicPartition{batch.origin.topic, batch.origin.partition});
    if (--it->second == 0) pending.erase(it);
    consumer.MarkDone(batch.origin);
  }

  void OnRefused(std::shared_ptr<Batch> batch, const Record& record,
                 const absl::Status& error) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kError,
                                 "a record was not written: trying again")
        .With("topic", record.topic)
        .With("error", error.ToString());
    const auto timer = timers.emplace(timers.end(), loop, kRetryInterval);
    timer->async_wait([shared = shared_from_this(), batch = std::move(batch),
                       record, timer](const boost::system::error_code& error) {
      if (error || shared->closed) return;
      shared->timers.erase(timer);
      shared->Write(batch, record);
    });
  }

  boost::asio::io_context& loop;
  Consumer& consumer;
  Producer& producer;
  bool closed = false;
  absl::flat_hash_map<TopicPartition, size_t> pending;
  std::list<boost::asio::steady_timer> timers;
};

Publisher::Publisher(boost::asio::io_context& loop, Consumer& consumer,
                     Producer& producer)
    : shared_(std::make_shared<Shared>(loop, consumer, producer)) {}

Publisher::~Publisher() {
  shared_->closed = true;
  shared_->timers.clear();
}

void Publisher::Finish(const RecordPosition& origin,
                       std::vector<Record> records) {
  auto batch = std::make_shared<Batch>(Batch{origin, records.size()});
  ++shared_->pending[TopicPartition{origin.topic, origin.partition}];
  if (records.empty()) shared_->Done(*batch);
  for (Record& record : records) shared_->Write(batch, std::move(record));
}

size_t Publisher::Pending(const TopicPartition& partition) const {
  const auto it = shared_->pending.find(partition);
  return it == shared_->pending.end() ? 0 : it->second;
}

boost::asio::awaitable<void> Publisher::UntilWritten(
    std::vector<TopicPartition> partitions, Sleeper& sleeper) const {
  const auto pending = [this](const TopicPartition& partition) {
    return Pending(partition) > 0;
  };
  while (std::any_of(partitions.begin(), partitions.end(), pending)) {
    const absl::Status slept = co_await sleeper.SleepFor(kPollInterval);
    if (!slept.ok()) co_return;
  }
}

}  // namespace lamplighter::dispatcher
