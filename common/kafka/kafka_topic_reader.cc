#include "common/kafka/kafka_topic_reader.h"

#include <algorithm>
#include <map>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/cancellation_type.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/kafka/queue_signal.h"
#include "common/kafka/rdkafka_admin.h"
#include "common/kafka/rdkafka_client.h"
#include "common/kafka/rdkafka_record.h"
#include "common/kafka/signal_timer.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "librdkafka/rdkafka.h"

namespace lamplighter {
namespace {

namespace asio = boost::asio;

// Looks even when nothing was signalled: a look may return early with something
// left.
constexpr absl::Duration kLookInterval = absl::Seconds(1);

constexpr int kMostPartitions = 20'000;

struct MessageDeleter {
  void operator()(rd_kafka_message_t* message) const {
    rd_kafka_message_destroy(message);
  }
};
using Message = std::unique_ptr<rd_kafka_message_t, MessageDeleter>;

RdkafkaSettings Settings(const KafkaTopicReader::Options& options) {
  const std::string kilobytes =
      absl::StrCat(std::max<size_t>(options.max_prefetch_bytes >> 10, 1));
  return {
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      // The caller chose the offset; another one would leave a gap unseen.
      {"auto.offset.reset", "error"},
      // Ours are written without transactions, and Offsets() counts so.
      {"isolation.level", "read_uncommitted"},
      {"queued.max.messages.kbytes", kilobytes},
      {"fetch.max.bytes",
       absl::StrCat(std::max<size_t>(options.max_prefetch_bytes, 1 << 20))},
      // Else a full prefetch stops the partition for a second, though the
      // caller takes milliseconds to empty it.
      {"fetch.queue.backoff.ms", "20"},
      // Of a partition that another broker leads since, List() is told that
      // its epoch is old until the next refresh; by default that is minutes.
      {"topic.metadata.refresh.interval.ms", "5000"},
  };
}

bool HasNone(const std::vector<int64_t>& offsets) {
  return std::all_of(offsets.begin(), offsets.end(),
                     [](int64_t offset) { return offset < 0; });
}

absl::Status MessageError(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
      message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
    return absl::OutOfRangeError(
        absl::StrCat("kafka: partition ", message.partition,
                     " does not hold offset ", message.offset));
  }
  return RdkafkaStatus(message.err, rd_kafka_message_errstr(&message));
}

}  // namespace

class KafkaTopicReader::Core {
 public:
  Core(const Options& options, asio::io_context& loop)
      : options_(options), loop_(loop) {}
  ~Core();

  absl::Status Open();

  // What each partition holds, from its first record at or after `since`, which
  // is in milliseconds since 1970, or of rd_kafka_OffsetSpec_t.
  asio::awaitable<absl::StatusOr<std::vector<PartitionOffsets>>> Offsets(
      int64_t since, absl::Duration limit);

  absl::Status Assign(const std::vector<RecordPosition>& from);

  asio::awaitable<absl::StatusOr<std::vector<ConsumedRecord>>> Next(
      absl::Duration limit);

 private:
  using Queue = RdkafkaPtr<rd_kafka_queue_t>;

  // What `spec` says of each partition that there is; -1 where it has no such
  // record.
  asio::awaitable<absl::StatusOr<std::vector<int64_t>>> List(
      int64_t spec, absl::Duration deadline);
  // The same of the first `partitions` only.
  asio::awaitable<absl::StatusOr<std::vector<int64_t>>> ListSome(
      int partitions, int64_t spec, absl::Duration deadline);
  absl::Status Check(const std::vector<RecordPosition>& from) const;
  void StopReading();
  absl::StatusOr<std::vector<ConsumedRecord>> Take();

  const Options options_;
  asio::io_context& loop_;
  RdkafkaPtr<rd_kafka_t> client_;
  RdkafkaPtr<rd_kafka_topic_t> topic_;
  std::vector<int32_t> assigned_;
  absl::Status failed_;  // found behind records, and not told yet
  Queue queue_;          // of what is assigned
  std::shared_ptr<SignalTimer> arrived_;  // while Next() waits
  std::unique_ptr<QueueSignal> signal_;
};

KafkaTopicReader::Core::~Core() {
  if (client_ == nullptr) return;
  StopReading();
  topic_.reset();
  // Its end joins threads, which may look up a name just then.
  std::thread([ending = std::move(client_)]() mutable {
    ending.reset();
  }).detach();
}

absl::Status KafkaTopicReader::Core::Open() {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      auto conf, MakeRdkafkaConf(options_.kafka, Settings(options_)));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      client_, MakeRdkafkaClient(RD_KAFKA_CONSUMER, std::move(conf)));
  // Not a consumer with a group, even for partitions of our own choosing: that
  // would ask for a coordinator, and for the right to.
  topic_.reset(
      rd_kafka_topic_new(client_.get(), options_.topic.c_str(), nullptr));
  if (topic_ != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("kafka: topic ", options_.topic, " cannot be read"));
}

asio::awaitable<absl::StatusOr<std::vector<int64_t>>>
KafkaTopicReader::Core::ListSome(int partitions, int64_t spec,
                                 absl::Duration deadline) {
  const RdkafkaPtr<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(partitions));
  for (int i = 0; i < partitions; ++i) {
    rd_kafka_topic_partition_list_add(list.get(), options_.topic.c_str(), i)
        ->offset = spec;
  }
  const absl::Duration left = deadline - Clock::System().MonotonicNow();
  const AdminOptions options =
      MakeAdminOptions(client_.get(), RD_KAFKA_ADMIN_OP_LISTOFFSETS, left);
  const Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_ListOffsets(client_.get(), list.get(), options.get(), queue.get());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const auto answer,
                                  co_await NextAdminAnswer(queue.get(), left));
  size_t count = 0;
  const rd_kafka_ListOffsetsResultInfo_t** const infos =
      rd_kafka_ListOffsets_result_infos(
          rd_kafka_event_ListOffsets_result(answer.get()), &count);
  std::map<int32_t, int64_t> found;
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_topic_partition_t& info =
        *rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    if (info.err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
        info.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      continue;
    }
    LAMPLIGHTER_CO_RETURN_IF_ERROR(Annotate(
        RdkafkaStatus(info.err), "offsets of partition ", info.partition));
    found[info.partition] = info.offset;
  }
  std::vector<int64_t> offsets;
  for (const auto& [partition, offset] : found) offsets.push_back(offset);
  co_return offsets;
}

asio::awaitable<absl::StatusOr<std::vector<int64_t>>>
KafkaTopicReader::Core::List(int64_t spec, absl::Duration deadline) {
  // To ask for more partitions than there are tells how many there are. The
  // request that is for that needs the controller, which a mock cluster lacks.
  for (int asked = 32; asked <= kMostPartitions; asked *= 8) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<int64_t> offsets,
                                    co_await ListSome(asked, spec, deadline));
    if (offsets.empty()) {
      co_return absl::InvalidArgumentError(
          absl::StrCat("kafka: there is no topic ", options_.topic));
    }
    if (offsets.size() < static_cast<size_t>(asked)) co_return offsets;
  }
  co_return absl::InvalidArgumentError(absl::StrCat(
      "kafka: topic ", options_.topic, " has too many partitions"));
}

asio::awaitable<absl::StatusOr<std::vector<PartitionOffsets>>>
KafkaTopicReader::Core::Offsets(int64_t since, absl::Duration limit) {
  const absl::Duration deadline = Clock::System().MonotonicNow() + limit;
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::vector<int64_t> first,
                                  co_await List(since, deadline));
  if (since > 0 && HasNone(first)) {
    // None so late, or a broker that cannot look for times, as librdkafka's
    // mock cluster: to that one nothing is later than 1970 either. From the
    // beginning is not too little.
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<int64_t> any,
                                    co_await List(0, deadline));
    if (HasNone(any)) {
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          first, co_await List(RD_KAFKA_OFFSET_SPEC_EARLIEST, deadline));
    }
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<int64_t> end,
      co_await List(RD_KAFKA_OFFSET_SPEC_LATEST, deadline));
  std::vector<PartitionOffsets> offsets;
  for (size_t i = 0; i < std::min(first.size(), end.size()); ++i) {
    offsets.push_back(
        {static_cast<int32_t>(i), first[i] < 0 ? end[i] : first[i], end[i]});
  }
  co_return offsets;
}

absl::Status KafkaTopicReader::Core::Check(
    const std::vector<RecordPosition>& from) const {
  absl::flat_hash_set<int32_t> partitions;
  for (const RecordPosition& position : from) {
    if (position.topic != options_.topic || position.partition < 0 ||
        position.offset < 0 || !partitions.insert(position.partition).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          "kafka: cannot read ", position.topic, "/", position.partition,
          " from ", position.offset, " with a reader of ", options_.topic));
    }
  }
  return absl::OkStatus();
}

absl::Status KafkaTopicReader::Core::Assign(
    const std::vector<RecordPosition>& from) {
  LAMPLIGHTER_RETURN_IF_ERROR(Check(from));
  StopReading();
  queue_.reset(rd_kafka_queue_new(client_.get()));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      signal_, QueueSignal::Create(queue_.get(), loop_.get_executor(), [this] {
        if (arrived_ != nullptr) arrived_->Set();
      }));
  for (const RecordPosition& position : from) {
    if (rd_kafka_consume_start_queue(topic_.get(), position.partition,
                                     position.offset, queue_.get()) != 0) {
      return RdkafkaStatus(rd_kafka_last_error());
    }
    assigned_.push_back(position.partition);
  }
  return absl::OkStatus();
}

void KafkaTopicReader::Core::StopReading() {
  for (const int32_t partition : std::exchange(assigned_, {})) {
    rd_kafka_consume_stop(topic_.get(), partition);
  }
  signal_.reset();
  queue_.reset();
  failed_ = absl::OkStatus();
}

absl::StatusOr<std::vector<ConsumedRecord>> KafkaTopicReader::Core::Take() {
  if (!failed_.ok()) return std::exchange(failed_, absl::OkStatus());
  std::vector<rd_kafka_message_t*> messages(options_.max_records);
  const ssize_t count = rd_kafka_consume_batch_queue(
      queue_.get(), 0, messages.data(), messages.size());
  if (count < 0) return RdkafkaStatus(rd_kafka_last_error());
  std::vector<ConsumedRecord> records;
  records.reserve(count);
  for (ssize_t i = 0; i < count; ++i) {
    const Message message(messages[i]);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      records.push_back(ToConsumedRecord(*message));
    } else if (failed_.ok()) {
      failed_ = MessageError(*message);
    }
  }
  if (records.empty() && !failed_.ok()) {
    return std::exchange(failed_, absl::OkStatus());
  }
  return records;
}

asio::awaitable<absl::StatusOr<std::vector<ConsumedRecord>>>
KafkaTopicReader::Core::Next(absl::Duration limit) {
  if (assigned_.empty()) co_return std::vector<ConsumedRecord>();
  const absl::Duration deadline = Clock::System().MonotonicNow() + limit;
  // Who reads a long topic does not suspend otherwise.
  co_await asio::post(loop_, asio::use_awaitable);
  while (true) {
    auto records = Take();
    if (!records.ok() || !records->empty()) co_return records;
    const absl::Duration left = deadline - Clock::System().MonotonicNow();
    if (left <= absl::ZeroDuration()) co_return records;
    arrived_ = std::make_shared<SignalTimer>(loop_.get_executor());
    const auto arrived = arrived_;
    co_await arrived->Wait(std::min(left, kLookInterval));
    arrived_ = nullptr;
    const asio::cancellation_state state =
        co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      co_return absl::CancelledError("reading was cancelled");
    }
  }
}

KafkaTopicReader::KafkaTopicReader(std::unique_ptr<Core> core)
    : core_(std::move(core)) {}

KafkaTopicReader::~KafkaTopicReader() = default;

absl::StatusOr<std::unique_ptr<KafkaTopicReader>> KafkaTopicReader::Create(
    const Options& options, asio::io_context& loop) {
  auto core = std::make_unique<Core>(options, loop);
  LAMPLIGHTER_RETURN_IF_ERROR(core->Open());
  return std::unique_ptr<KafkaTopicReader>(
      new KafkaTopicReader(std::move(core)));
}

asio::awaitable<absl::StatusOr<std::vector<PartitionOffsets>>>
KafkaTopicReader::Offsets(absl::Duration limit) {
  return core_->Offsets(RD_KAFKA_OFFSET_SPEC_EARLIEST, limit);
}

asio::awaitable<absl::StatusOr<std::vector<PartitionOffsets>>>
KafkaTopicReader::OffsetsSince(absl::Time since, absl::Duration limit) {
  return core_->Offsets(std::max<int64_t>(absl::ToUnixMillis(since), 0), limit);
}

absl::Status KafkaTopicReader::Assign(std::vector<RecordPosition> from) {
  return core_->Assign(from);
}

asio::awaitable<absl::StatusOr<std::vector<ConsumedRecord>>>
KafkaTopicReader::Next(absl::Duration limit) {
  return core_->Next(limit);
}

}  // namespace lamplighter
