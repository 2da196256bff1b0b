#include "services/ingest/spool/spooling_producer.h"

#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/asio/async_result.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "services/ingest/event_records.h"
#include "services/ingest/spool/spool_record.h"

namespace lamplighter::ingest {
namespace {

namespace asio = boost::asio;

// So full, the spool makes us not ready.
constexpr double kNearlyFull = 0.9;
// For so long does an error of the spool make us not ready. Then requests try
// it again.
constexpr absl::Duration kFailing = absl::Seconds(10);

// Where a record lies that is on no topic yet.
const RecordPosition& OnTheSpool() {
  static const auto& position = *new RecordPosition{"", -1, -1};
  return position;
}

// What is known of a batch under way.
struct Delivery {
  std::vector<absl::Status> results;
  size_t open = 0;
  absl::AnyInvocable<void(std::vector<absl::Status>) &&> done;
};

std::vector<absl::StatusOr<Record>> Decode(
    const std::vector<SpooledRecord>& batch) {
  std::vector<absl::StatusOr<Record>> records;
  records.reserve(batch.size());
  for (const SpooledRecord& spooled : batch) {
    records.push_back(DecodeRecord(spooled.bytes));
  }
  return records;
}

}  // namespace

SpoolingProducer::SpoolingProducer(const Options& options,
                                   std::unique_ptr<SpoolFile> file,
                                   Producer& inner, asio::io_context& loop,
                                   Sleeper& sleeper, SpoolMetrics& metrics,
                                   const Clock& clock)
    : options_(options),
      inner_(inner),
      loop_(loop),
      sleeper_(sleeper),
      metrics_(metrics),
      clock_(clock),
      spool_(options.spool, std::move(file), loop, clock),
      next_id_(spool_.next_id()),
      tasks_(loop.get_executor(), "spool") {
  ShowUsage();
}

SpoolingProducer::~SpoolingProducer() {
  for (Held& held : held_) {
    std::move(held.done)(absl::CancelledError("spool: stopped"));
  }
}

void SpoolingProducer::Start() {
  if (spool_.usage().records > 0) BeginSpooling();
}

asio::awaitable<void> SpoolingProducer::Stop(absl::Duration limit) {
  stopping_ = true;
  co_await tasks_.Drain(limit);
  SpoolHeld();
}

absl::Status SpoolingProducer::Ready() const {
  if (!spooling_ && inner_.Ready().ok()) return absl::OkStatus();
  if (clock_.MonotonicNow() < failing_until_) {
    return absl::UnavailableError(failure_.message());
  }
  const int64_t used = spool_.usage().bytes;
  if (static_cast<double>(used) <
      kNearlyFull * static_cast<double>(spool_.max_bytes())) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat("spool: nearly full, ", used,
                                             " of ", spool_.max_bytes(),
                                             " bytes are used"));
}

size_t SpoolingProducer::max_record_bytes() const {
  return inner_.max_record_bytes();
}

void SpoolingProducer::Produce(Record record, Done done) {
  const int64_t id = next_id_++;
  if (!spooling_) {
    SendDirectly(id, std::move(record), std::move(done));
  } else if (SizeOf(record) > max_record_bytes()) {
    asio::post(loop_, [done = std::move(done)]() mutable {
      std::move(done)(absl::InvalidArgumentError(
          "spool: the record is larger than the brokers take"));
    });
  } else if (holding_) {
    Hold(id, std::move(record), std::move(done));
  } else {
    Keep(id, EncodeRecord(record), std::move(done));
  }
}

void SpoolingProducer::SendDirectly(int64_t id, Record record, Done done) {
  ++sent_directly_;
  // The producer does not give a record back that it could not write.
  std::string bytes = EncodeRecord(record);
  inner_.Produce(
      std::move(record),
      [this, id, bytes = std::move(bytes),
       done = std::move(done)](absl::StatusOr<RecordPosition> sent) mutable {
        --sent_directly_;
        if (sent.ok() || !IsTransient(sent.status())) {
          std::move(done)(std::move(sent));
          return;
        }
        if (!spooling_) {
          LAMPLIGHTER_LOG_EVERY_SECOND(
              kWarning, "the brokers do not take events: they go to the spool")
              .With("error", sent.status().message());
        }
        Keep(id, std::move(bytes), std::move(done));
      });
}

void SpoolingProducer::Hold(int64_t id, Record record, Done done) {
  const size_t bytes = SizeOf(record);
  const Spool::Options& bounds = options_.spool;
  if (held_.size() >= bounds.max_waiting_records ||
      held_bytes_ + bytes > bounds.max_waiting_bytes) {
    asio::post(loop_, [done = std::move(done)]() mutable {
      std::move(done)(absl::ResourceExhaustedError(
          "spool: too many records wait for the end of its draining"));
    });
    return;
  }
  held_bytes_ += bytes;
  held_.push_back({id, std::move(record), std::move(done)});
}

void SpoolingProducer::Keep(int64_t id, std::string bytes, Done done) {
  BeginSpooling();
  spool_.Append(id, std::move(bytes),
                [this, done = std::move(done)](absl::Status written) mutable {
                  ShowUsage();
                  if (written.ok()) {
                    metrics_.Spooled();
                    std::move(done)(OnTheSpool());
                    return;
                  }
                  metrics_.Failed(SpoolMetrics::Operation::kWrite);
                  failure_ = written;
                  failing_until_ = clock_.MonotonicNow() + kFailing;
                  std::move(done)(std::move(written));
                });
}

void SpoolingProducer::BeginSpooling() {
  if (spooling_) return;
  spooling_ = true;
  if (!stopping_) tasks_.Spawn(Drain());
}

void SpoolingProducer::EndSpooling() {
  spooling_ = false;
  holding_ = false;
  held_bytes_ = 0;
  for (Held& held : std::exchange(held_, {})) {
    SendDirectly(held.id, std::move(held.record), std::move(held.done));
  }
}

void SpoolingProducer::SpoolHeld() {
  holding_ = false;
  held_bytes_ = 0;
  for (Held& held : std::exchange(held_, {})) {
    Keep(held.id, EncodeRecord(held.record), std::move(held.done));
  }
}

int64_t SpoolingProducer::Backlog() const {
  return spool_.usage().records +
         static_cast<int64_t>(spool_.waiting_records());
}

asio::awaitable<void> SpoolingProducer::Drain() {
  // A single record asks whether the brokers are back.
  size_t batch = 1;
  while (!stopping_) {
    const absl::StatusOr<bool> drained = co_await DrainBatch(batch);
    ShowUsage();
    if (drained.ok() && Backlog() == 0) {
      EndSpooling();
      LAMPLIGHTER_LOG_EVERY_SECOND(kInfo, "the spool is drained");
      co_return;
    }
    if (drained.ok()) {
      batch = options_.max_batch_records;
      // What has come since is the last of it.
      holding_ = *drained;
      continue;
    }
    batch = 1;
    SpoolHeld();
    // Cancelled when stopping.
    (co_await sleeper_.SleepFor(options_.pause)).IgnoreError();
  }
}

asio::awaitable<absl::StatusOr<bool>> SpoolingProducer::DrainBatch(
    size_t max_records) {
  if (sent_directly_ > 0) {
    // They come before all that came since, if they fail.
    co_return absl::UnavailableError("spool: records are under way directly");
  }
  auto read = co_await spool_.Read(max_records, options_.max_batch_bytes);
  if (!read.ok()) {
    metrics_.Failed(SpoolMetrics::Operation::kRead);
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "spool not read")
        .With("error", read.status());
    co_return read.status();
  }
  const auto lying = static_cast<size_t>(spool_.usage().records);
  const bool is_all = read->size() == lying;
  if (read->empty()) co_return is_all;
  const std::vector<absl::Status> results = co_await Deliver(Decode(*read));
  Verdict verdict = Judge(*std::move(read), results);
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      co_await Settle(std::move(verdict.settlement)));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(verdict.stopped_by);
  co_return is_all;
}

asio::awaitable<std::vector<absl::Status>> SpoolingProducer::Deliver(
    std::vector<absl::StatusOr<Record>> batch) {
  const auto delivery = std::make_shared<Delivery>();
  delivery->results.reserve(batch.size());
  for (const absl::StatusOr<Record>& record : batch) {
    delivery->results.push_back(record.status());
    if (record.ok()) ++delivery->open;
  }
  if (delivery->open == 0) co_return std::move(delivery->results);
  auto start = [this, delivery](auto handler,
                                std::vector<absl::StatusOr<Record>> records) {
    delivery->done = std::move(handler);
    for (size_t i = 0; i < records.size(); ++i) {
      if (!records[i].ok()) continue;
      inner_.Produce(*std::move(records[i]),
                     [delivery, i](const absl::StatusOr<RecordPosition>& sent) {
                       delivery->results[i] = sent.status();
                       if (--delivery->open > 0) return;
                       std::move(delivery->done)(std::move(delivery->results));
                     });
    }
  };
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable),
                                          void(std::vector<absl::Status>)>(
      std::move(start), asio::use_awaitable, std::move(batch));
}

SpoolingProducer::Verdict SpoolingProducer::Judge(
    std::vector<SpooledRecord> batch,
    const std::vector<absl::Status>& results) {
  Verdict verdict;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (results[i].ok() && refusing_.empty()) {
      verdict.settlement.delivered.push_back(batch[i].id);
      continue;
    }
    absl::StatusOr<Record> record = DecodeRecord(batch[i].bytes);
    if (results[i].ok()) {
      verdict.settlement.delivered.push_back(batch[i].id);
      refusing_.erase(record->topic);
      continue;
    }
    if (!IsGivenUp(record, results[i])) {
      verdict.stopped_by = results[i];
      break;
    }
    RefusedRecord refused;
    if (record.ok()) {
      refused.topic = std::move(record->topic);
      refused.key = std::move(record->key);
    }
    refused.reason = std::string(results[i].message());
    refused.record = std::move(batch[i]);
    verdict.settlement.refused.push_back(std::move(refused));
  }
  return verdict;
}

bool SpoolingProducer::IsGivenUp(const absl::StatusOr<Record>& record,
                                 const absl::Status& error) {
  if (!record.ok()) return true;
  if (IsTransient(error) || absl::IsCancelled(error)) return false;
  if (SizeOf(*record) > max_record_bytes()) return true;
  const absl::Duration now = clock_.MonotonicNow();
  const absl::Duration since =
      refusing_.try_emplace(record->topic, now).first->second;
  if (now - since >= options_.refuse_after) return true;
  LAMPLIGHTER_LOG_EVERY_SECOND(
      kError, "the brokers refuse a record, and so the spool waits")
      .With("topic", record->topic)
      .With("error", error)
      .With("given_up_in", options_.refuse_after - (now - since));
  return false;
}

asio::awaitable<absl::Status> SpoolingProducer::Settle(Settlement settlement) {
  absl::Status settled = co_await spool_.Settle(settlement);
  // Not read and sent again meanwhile: that would only repeat records.
  while (!settled.ok() && !stopping_) {
    metrics_.Failed(SpoolMetrics::Operation::kSettle);
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "spool not shortened")
        .With("error", settled);
    SpoolHeld();
    (co_await sleeper_.SleepFor(options_.pause)).IgnoreError();
    settled = co_await spool_.Settle(settlement);
  }
  LAMPLIGHTER_CO_RETURN_IF_ERROR(settled);
  metrics_.Drained(settlement.delivered.size());
  metrics_.Refused(settlement.refused.size());
  for (const RefusedRecord& refused : settlement.refused) {
    LAMPLIGHTER_LOG_EVERY_SECOND(
        kError, "a spooled record is given up: it is in table refused")
        .With("id", refused.record.id)
        .With("topic", refused.topic)
        .With("reason", refused.reason);
  }
  co_return absl::OkStatus();
}

void SpoolingProducer::ShowUsage() {
  const SpoolUsage& usage = spool_.usage();
  metrics_.Show({.records = usage.records,
                 .refused = usage.refused,
                 .used_bytes = usage.bytes,
                 .max_bytes = spool_.max_bytes(),
                 .oldest = usage.records == 0 ? absl::ZeroDuration()
                                              : clock_.Now() - usage.oldest});
}

}  // namespace lamplighter::ingest
