#include "services/dispatcher/status_service/dead_letter_scan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/kafka/topic_names.h"
#include "common/status/macros.h"

namespace lamplighter::dispatcher {
namespace {

using ::boost::asio::awaitable;

// Letters between two that are asked for, that it is cheaper to read past than
// to ask the broker anew.
constexpr int64_t kMaxGap = 500;

// A record may have been written a little before its own time, by two clocks.
constexpr absl::Duration kClockSkew = absl::Minutes(5);

absl::Status TookTooLong() {
  return absl::UnavailableError(
      "kafka: dead letters could not be read in time");
}

}  // namespace

awaitable<absl::StatusOr<DeadLetterScan::Marks>> DeadLetterScan::ReadMarks(
    OpenReader open_reader) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::unique_ptr<TopicReader> reader,
                                  open_reader(kDeadLetterMarksTopic));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<PartitionOffsets> offsets,
                                  co_await reader->Offsets(kReadLimit));
  std::vector<RecordPosition> from;
  for (const PartitionOffsets& each : offsets) {
    if (each.first < each.end) {
      from.push_back({kDeadLetterMarksTopic, each.partition, each.first});
    }
  }
  size_t unfinished = from.size();
  LAMPLIGHTER_CO_RETURN_IF_ERROR(reader->Assign(std::move(from)));
  Marks marks;
  while (unfinished > 0) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<ConsumedRecord> records,
                                    co_await reader->Next(kReadLimit));
    if (records.empty()) co_return TookTooLong();
    for (const ConsumedRecord& consumed : records) {
      const RecordPosition& at = consumed.position;
      if (at.offset == offsets[at.partition].end - 1) --unfinished;
      const auto id = ParseDeadLetterId(consumed.record.key);
      if (!id.ok()) continue;  // not of ours
      if (consumed.record.tombstone) {
        marks.erase({id->partition, id->offset});
      } else {
        marks.insert({id->partition, id->offset});
      }
    }
  }
  co_return marks;
}

awaitable<absl::StatusOr<std::unique_ptr<DeadLetterScan>>>
DeadLetterScan::Begin(OpenReader open_reader, DeadLetterFilter filter,
                      DeadLetterId from) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Marks marks, co_await ReadMarks(open_reader));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::unique_ptr<TopicReader> reader,
                                  open_reader(kDeadLettersTopic));
  auto scan = std::unique_ptr<DeadLetterScan>(
      new DeadLetterScan(std::move(reader), std::move(filter)));
  scan->marks_ = std::move(marks);
  const bool is_old =
      scan->filter_.since == absl::InfinitePast() || !scan->filter_.ids.empty();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::vector<PartitionOffsets> offsets,
      is_old ? co_await scan->reader_->Offsets(kReadLimit)
             : co_await scan->reader_->OffsetsSince(
                   scan->filter_.since - kClockSkew, kReadLimit));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(scan->ChooseRanges(offsets, from));
  co_return scan;
}

absl::Status DeadLetterScan::ChooseRanges(
    const std::vector<PartitionOffsets>& offsets, const DeadLetterId& from) {
  if (filter_.ids.empty()) {
    for (const auto& [partition, first, end] : offsets) {
      if (partition < from.partition) continue;
      const int64_t begin =
          partition == from.partition ? std::max(first, from.offset) : first;
      if (begin < end) ranges_.push_back({partition, begin, end});
    }
    return absl::OkStatus();
  }
  for (const DeadLetterId& id : filter_.ids) {
    if (static_cast<size_t>(id.partition) >= offsets.size() ||
        id.offset < offsets[id.partition].first ||
        id.offset >= offsets[id.partition].end) {
      return absl::NotFoundError(
          absl::StrCat("there is no dead letter ", ToString(id)));
    }
    if (id < from) continue;
    if (!ranges_.empty() && ranges_.back().partition == id.partition &&
        id.offset - ranges_.back().end < kMaxGap) {
      ranges_.back().end = id.offset + 1;
    } else {
      ranges_.push_back({id.partition, id.offset, id.offset + 1});
    }
  }
  return absl::OkStatus();
}

absl::optional<DeadLetterId> DeadLetterScan::Position() const {
  if (ranges_.empty()) return absl::nullopt;
  return DeadLetterId{ranges_.front().partition, ranges_.front().next};
}

awaitable<absl::Status> DeadLetterScan::Fill() {
  const Range& range = ranges_.front();
  if (!std::exchange(assigned_, true)) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        reader_->Assign({{kDeadLettersTopic, range.partition, range.next}}));
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(std::vector<ConsumedRecord> records,
                                  co_await reader_->Next(kReadLimit));
  if (records.empty()) co_return TookTooLong();
  read_.assign(std::make_move_iterator(records.begin()),
               std::make_move_iterator(records.end()));
  co_return absl::OkStatus();
}

awaitable<absl::StatusOr<absl::optional<FoundDeadLetter>>> DeadLetterScan::Next(
    int64_t max_looked_at) {
  for (int64_t looked_at = 0; !ranges_.empty() && looked_at < max_looked_at;) {
    if (read_.empty()) LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await Fill());
    ConsumedRecord consumed = std::move(read_.front());
    read_.pop_front();
    Range& range = ranges_.front();
    const bool is_within = consumed.position.offset < range.end;
    range.next = consumed.position.offset + 1;
    if (range.next >= range.end) {
      ranges_.pop_front();
      read_.clear();
      assigned_ = false;
    }
    if (!is_within) continue;
    ++looked_at;
    absl::optional<FoundDeadLetter> found = Read(std::move(consumed));
    if (found.has_value()) co_return found;
  }
  co_return absl::nullopt;
}

absl::optional<FoundDeadLetter> DeadLetterScan::Read(
    ConsumedRecord consumed) const {
  FoundDeadLetter found;
  found.id = {consumed.position.partition, consumed.position.offset};
  if (marks_.contains({found.id.partition, found.id.offset}) ||
      !found.letter.ParseFromString(consumed.record.value) ||
      !filter_.Matches(found.id, found.letter)) {
    return absl::nullopt;
  }
  found.record = std::move(consumed.record);
  return found;
}

}  // namespace lamplighter::dispatcher
