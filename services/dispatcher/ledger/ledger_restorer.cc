#include "services/dispatcher/ledger/ledger_restorer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/post.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/kafka/topic_names.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/time/backoff.h"
#include "services/dispatcher/ledger/ledger_entry.h"

namespace lamplighter::dispatcher {
namespace {

using ::boost::asio::awaitable;

// For each answer of the brokers, and each record that is there to be read.
constexpr absl::Duration kAnswerLimit = absl::Seconds(10);
constexpr Backoff kBackoff = {absl::Seconds(1), absl::Seconds(30)};

}  // namespace

LedgerRestorer::LedgerRestorer(const Options& options,
                               boost::asio::io_context& loop,
                               TopicReader& reader, Ledger& ledger,
                               Sleeper& sleeper, const Clock& clock,
                               Listeners listeners)
    : options_(options),
      reader_(reader),
      ledger_(ledger),
      sleeper_(sleeper),
      clock_(clock),
      listeners_(std::move(listeners)),
      timer_(loop,
             [this] {
               expire_ = true;
               Begin();
             }),
      tasks_(loop.get_executor(), "ledger") {}

void LedgerRestorer::Restore(int32_t partition) {
  wanted_[partition] = ++generation_;
  young_.erase(partition);
  Begin();
}

void LedgerRestorer::Begin() {
  if (std::exchange(running_, true)) return;
  tasks_.Spawn(Run());
}

void LedgerRestorer::Forget(int32_t partition) {
  wanted_.erase(partition);
  young_.erase(partition);
  ledger_.Close(partition);
}

absl::Status LedgerRestorer::Ready() const {
  if (wanted_.empty()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "the ledger of ", wanted_.size(), " partitions is not read",
      error_.ok() ? " yet" : absl::StrCat(": ", error_.message())));
}

awaitable<void> LedgerRestorer::Stop() {
  ExpireIn(absl::InfiniteDuration());
  co_await tasks_.Drain(absl::ZeroDuration());
}

awaitable<void> LedgerRestorer::Run() {
  int failures = 0;
  while (!wanted_.empty() || expire_) {
    // Not co_await in a conditional expression: both would be made.
    if (wanted_.empty()) {
      error_ = co_await ExpireRound();
    } else {
      error_ = co_await RestoreRound();
    }
    if (error_.ok()) {
      failures = 0;
      continue;
    }
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "the ledger was not read")
        .With("error", error_.ToString());
    const absl::Status slept =
        co_await sleeper_.SleepFor(kBackoff.After(++failures, random_));
    if (!slept.ok()) co_return;
  }
  running_ = false;
}

awaitable<absl::Status> LedgerRestorer::ReadTo(Offsets ends, Visit visit) {
  const auto executor = co_await boost::asio::this_coro::executor;
  while (!ends.empty()) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<ConsumedRecord> records,
                                    co_await reader_.Next(kAnswerLimit));
    if (records.empty()) {
      co_return absl::UnavailableError("the brokers sent no record in time");
    }
    for (const ConsumedRecord& record : records) {
      const auto end = ends.find(record.position.partition);
      if (end == ends.end()) continue;  // beyond its end
      const bool is_last = record.position.offset + 1 >= end->second;
      if (!visit(record, is_last) || is_last) ends.erase(end);
    }
    // There may be more at once, and others have their work.
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
  }
  co_return reader_.Assign({});
}

awaitable<absl::Status> LedgerRestorer::RestoreRound() {
  const Round round = wanted_;  // what comes meanwhile is for the next one
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<PartitionOffsets> offsets,
                                  co_await reader_.Offsets(kAnswerLimit));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Offsets ends, BeginRestore(round, offsets));
  const auto visit = [&](const ConsumedRecord& record, bool is_last) {
    const int32_t partition = record.position.partition;
    const auto wanted = wanted_.find(partition);
    if (wanted == wanted_.end() || wanted->second != round.at(partition)) {
      return false;  // given up meanwhile
    }
    Apply(record);
    if (is_last) Done(partition, offsets[partition].first);
    return true;
  };
  co_return co_await ReadTo(std::move(ends), visit);
}

absl::StatusOr<LedgerRestorer::Offsets> LedgerRestorer::BeginRestore(
    const Round& round, const std::vector<PartitionOffsets>& offsets) {
  Offsets ends;
  std::vector<RecordPosition> from;
  for (const auto& [partition, generation] : round) {
    const auto wanted = wanted_.find(partition);
    if (wanted == wanted_.end() || wanted->second != generation) continue;
    if (static_cast<size_t>(partition) >= offsets.size()) {
      return absl::FailedPreconditionError(absl::StrCat(
          "topic ", kStatusLedgerTopic, " has ", offsets.size(),
          " partitions, fewer than ", kStatusIntentsTopic,
          ": give it as many, e.g. kafka-topics.sh --alter --topic ",
          kStatusLedgerTopic, " --partitions N"));
    }
    ledger_.Open(partition);
    const auto& [number, first, end] = offsets[partition];
    if (first >= end) {
      Done(partition, first);
    } else {
      ends[partition] = end;
      from.push_back({kStatusLedgerTopic, partition, first});
    }
  }
  LAMPLIGHTER_RETURN_IF_ERROR(reader_.Assign(std::move(from)));
  return ends;
}

void LedgerRestorer::Apply(const ConsumedRecord& consumed) {
  const auto& [record, position, inherited] = consumed;
  const LedgerKey key = MakeLedgerKey(record.key);
  if (record.tombstone) {
    ledger_.Erase(key);
  } else if (outcome_.ParseFromString(record.value)) {
    RestoreEntry(ledger_, key, position.partition, outcome_);
    listeners_.on_outcome(position.partition, key, outcome_);
  } else {
    LAMPLIGHTER_LOG_EVERY_SECOND(kError, "a ledger record cannot be decoded")
        .With("partition", position.partition)
        .With("offset", position.offset);
  }
}

void LedgerRestorer::Done(int32_t partition, int64_t first) {
  wanted_.erase(partition);
  young_[partition] = first;
  expire_ = true;
  listeners_.on_restored(partition);
}

awaitable<absl::Status> LedgerRestorer::ExpireRound() {
  expire_ = false;
  ExpireIn(options_.expire_every);  // also where this fails
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<PartitionOffsets> offsets,
                                  co_await reader_.Offsets(kAnswerLimit));
  Offsets ends;
  std::vector<RecordPosition> from;
  for (const auto& [partition, young] : young_) {
    if (static_cast<size_t>(partition) >= offsets.size()) continue;
    const auto& [number, first, end] = offsets[partition];
    const int64_t next = std::max(young, first);
    if (next >= end) continue;
    ends[partition] = std::min(end, next + options_.max_looked_at);
    from.push_back({kStatusLedgerTopic, partition, next});
  }
  LAMPLIGHTER_CO_RETURN_IF_ERROR(reader_.Assign(std::move(from)));
  const auto visit = [&](const ConsumedRecord& record, bool is_last) {
    const auto& [topic, partition, offset] = record.position;
    const auto young = young_.find(partition);
    if (young == young_.end() || !Expire(record)) return false;
    young->second = offset + 1;
    if (is_last && offset + 1 < offsets[partition].end) ExpireIn(options_.soon);
    return true;
  };
  co_return co_await ReadTo(std::move(ends), visit);
}

bool LedgerRestorer::Expire(const ConsumedRecord& consumed) {
  const auto& [record, position, inherited] = consumed;
  if (record.tombstone || !outcome_.ParseFromString(record.value)) return true;
  if (outcome_.decided_at().seconds() >= Oldest()) return false;
  const LedgerKey key = MakeLedgerKey(record.key);
  const LedgerEntry* const entry = ledger_.Peek(key);
  // Where it is not held, a newer record may have been and be forgotten.
  if (entry == nullptr || entry->recorded >= Oldest()) return true;
  // Of what is being worked on the topic will hear.
  if (entry->InDoubt() && !entry->restored) return true;
  ledger_.Erase(key);
  listeners_.on_expired(position.partition, record.key);
  return true;
}

void LedgerRestorer::ExpireIn(absl::Duration wait) {
  const absl::Duration now = clock_.MonotonicNow();
  timer_.Set(now + wait, now);
}

uint32_t LedgerRestorer::Oldest() const {
  return static_cast<uint32_t>(std::max<int64_t>(
      absl::ToUnixSeconds(clock_.Now() - options_.remember_for), 0));
}

}  // namespace lamplighter::dispatcher
