#include "services/dispatcher/status_service/dead_letters.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "common/status/macros.h"
#include "services/dispatcher/status_service/dead_letter_filter.h"
#include "services/dispatcher/status_service/replay.h"
#include "services/dispatcher/status_service/send_all.h"

namespace lamplighter::dispatcher {
namespace {

using ::boost::asio::awaitable;

constexpr int kPageSize = 100;
constexpr int kMaxPageSize = 1'000;
// A page ends here, so that it is answered in time and fits what any client of
// gRPC takes (4 MiB).
constexpr int64_t kMaxLookedAt = 50'000;
constexpr size_t kMaxPageBytes = 3 << 20;

constexpr int kDefaultMax = 1'000;
constexpr int kMaxMax = 100'000;
// Replayed or dropped at once. A crash repeats no more than these.
constexpr size_t kChunk = 200;

constexpr int64_t kAll = std::numeric_limits<int64_t>::max();

constexpr absl::string_view kTokenPrefix = "1:";

absl::StatusOr<DeadLetterId> ReadPageToken(absl::string_view token) {
  if (token.empty()) return DeadLetterId{};
  if (absl::ConsumePrefix(&token, kTokenPrefix)) {
    const absl::StatusOr<DeadLetterId> id = ParseDeadLetterId(token);
    if (id.ok()) return id;
  }
  return absl::InvalidArgumentError(
      "page_token: is not one that ListDeadLetters gave");
}

absl::StatusOr<int> ReadMost(absl::string_view field, int given, int fallback,
                             int most) {
  if (given >= 0 && given <= most) return given == 0 ? fallback : given;
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": must be from 0 to ", most));
}

void LeaveOutBodies(v1::DeadLetter& letter) {
  letter.clear_undecodable();
  if (!letter.has_flux_event()) return;
  v1::RawBody& raw = *letter.mutable_flux_event()->mutable_raw();
  raw.set_encoding(v1::RawBody::OMITTED);
  raw.clear_data();
}

bool IsEmpty(const v1::DeadLetterFilter& filter) {
  return !filter.has_since() && filter.reasons().empty() &&
         filter.repository_id().empty() && filter.ids().empty();
}

// The list of `response` that a letter belongs to.
google::protobuf::RepeatedPtrField<std::string>& ListFor(
    const FoundDeadLetter& found, bool is_replayable,
    const v1::ReplayDeadLettersRequest& request,
    v1::ReplayDeadLettersResponse& response) {
  if (!is_replayable) return *response.mutable_not_replayable();
  if (ReplaysOf(found.letter) >= kMaxReplays &&
      !request.include_quarantined()) {
    return *response.mutable_quarantined();
  }
  return *response.mutable_replayed();
}

absl::Status Busy() {
  return absl::AbortedError(
      "another call replays or drops dead letters just now: try again once it "
      "has ended");
}

}  // namespace

// Letters, and the records that replay them.
struct DeadLetters::Chunk {
  std::vector<DeadLetterId> ids;
  std::vector<Record> records;
};

DeadLetters::DeadLetters(OpenReader open_reader, Producer& producer,
                         const Clock& clock, const Counters& counters)
    : open_reader_(std::move(open_reader)),
      producer_(producer),
      clock_(clock),
      counters_(counters) {}

awaitable<absl::StatusOr<v1::ListDeadLettersResponse>> DeadLetters::List(
    v1::ListDeadLettersRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const int page_size,
      ReadMost("page_size", request.page_size(), kPageSize, kMaxPageSize));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const DeadLetterId from,
                                  ReadPageToken(request.page_token()));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(DeadLetterFilter filter,
                                  ReadFilter(request.filter(), clock_.Now()));
  const bool with_bodies = !filter.ids.empty();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::unique_ptr<DeadLetterScan> scan,
      co_await DeadLetterScan::Begin(open_reader_, std::move(filter), from));
  v1::ListDeadLettersResponse response;
  absl::optional<DeadLetterId> next;
  size_t bytes = 0;
  while (true) {
    next = scan->Position();
    if (response.dead_letters_size() >= page_size) break;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(absl::optional<FoundDeadLetter> found,
                                    co_await scan->Next(kMaxLookedAt));
    if (!found.has_value()) {
      next = scan->Position();
      break;
    }
    if (!with_bodies) LeaveOutBodies(found->letter);
    bytes += found->letter.ByteSizeLong();
    if (bytes > kMaxPageBytes && response.dead_letters_size() > 0) {
      next = found->id;
      break;
    }
    v1::ListedDeadLetter& listed = *response.add_dead_letters();
    listed.set_id(ToString(found->id));
    *listed.mutable_dead_letter() = std::move(found->letter);
  }
  if (next.has_value()) {
    response.set_next_page_token(absl::StrCat(kTokenPrefix, ToString(*next)));
  }
  co_return response;
}

awaitable<absl::StatusOr<v1::ReplayDeadLettersResponse>> DeadLetters::Replay(
    v1::ReplayDeadLettersRequest request, std::string client) {
  if (busy_) co_return Busy();
  busy_ = true;
  const absl::Cleanup free = [this] { busy_ = false; };
  co_return co_await ReplayAlone(std::move(request), std::move(client));
}

awaitable<absl::StatusOr<v1::ReplayDeadLettersResponse>>
DeadLetters::ReplayAlone(v1::ReplayDeadLettersRequest request,
                         std::string client) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const int max, ReadMost("max", request.max(), kDefaultMax, kMaxMax));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(DeadLetterFilter filter,
                                  ReadFilter(request.filter(), clock_.Now()));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::unique_ptr<DeadLetterScan> scan,
      co_await DeadLetterScan::Begin(open_reader_, std::move(filter), {}));
  v1::ReplayDeadLettersResponse response;
  Chunk chunk;
  while (true) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(absl::optional<FoundDeadLetter> found,
                                    co_await scan->Next(kAll));
    if (!found.has_value()) break;
    absl::optional<Record> record = MakeReplay(*found, clock_.Now());
    auto& list = ListFor(*found, record.has_value(), request, response);
    // Each of the lists is bounded, and so is the answer.
    if (list.size() >= max) {
      response.set_more(true);
      break;
    }
    *list.Add() = ToString(found->id);
    if (request.dry_run() || &list != response.mutable_replayed()) continue;
    chunk.ids.push_back(found->id);
    chunk.records.push_back(*std::move(record));
    if (chunk.ids.size() < kChunk) continue;
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await WriteReplays(std::exchange(chunk, {}), client));
  }
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      co_await WriteReplays(std::move(chunk), client));
  co_return response;
}

awaitable<absl::Status> DeadLetters::WriteReplays(Chunk chunk,
                                                  std::string client) {
  const std::vector<absl::Status> results =
      co_await SendAll(producer_, std::move(chunk.records));
  absl::Status failed;
  std::vector<DeadLetterId> replayed;
  for (size_t i = 0; i < results.size(); ++i) {
    failed.Update(results[i]);
    if (results[i].ok()) replayed.push_back(chunk.ids[i]);
  }
  counters_.replayed.Increment(static_cast<double>(replayed.size()));
  // After the replay, so that a crash in between repeats one and loses none.
  failed.Update(co_await WriteMarks(std::move(replayed),
                                    v1::DeadLetterMark::REPLAYED, client));
  co_return failed;
}

awaitable<absl::Status> DeadLetters::WriteMarks(
    std::vector<DeadLetterId> ids, v1::DeadLetterMark::Action action,
    std::string client) {
  std::vector<Record> marks;
  marks.reserve(ids.size());
  for (const DeadLetterId& id : ids) {
    marks.push_back(MakeMark(id, action, client, clock_.Now()));
  }
  absl::Status failed;
  for (const absl::Status& result :
       co_await SendAll(producer_, std::move(marks))) {
    failed.Update(result);
  }
  co_return failed;
}

awaitable<absl::StatusOr<v1::DropDeadLettersResponse>> DeadLetters::Drop(
    v1::DropDeadLettersRequest request, std::string client) {
  if (busy_) co_return Busy();
  busy_ = true;
  const absl::Cleanup free = [this] { busy_ = false; };
  co_return co_await DropAlone(std::move(request), std::move(client));
}

awaitable<absl::StatusOr<v1::DropDeadLettersResponse>> DeadLetters::DropAlone(
    v1::DropDeadLettersRequest request, std::string client) {
  if (IsEmpty(request.filter())) {
    co_return absl::InvalidArgumentError(
        "filter: must say which dead letters to drop");
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const int max, ReadMost("max", request.max(), kDefaultMax, kMaxMax));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(DeadLetterFilter filter,
                                  ReadFilter(request.filter(), clock_.Now()));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const std::unique_ptr<DeadLetterScan> scan,
      co_await DeadLetterScan::Begin(open_reader_, std::move(filter), {}));
  v1::DropDeadLettersResponse response;
  std::vector<DeadLetterId> chunk;
  while (true) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const absl::optional<FoundDeadLetter> found,
                                    co_await scan->Next(kAll));
    response.set_more(found.has_value() && response.dropped_size() >= max);
    const bool at_end = !found.has_value() || response.more();
    if (!at_end) {
      response.add_dropped(ToString(found->id));
      if (!request.dry_run()) chunk.push_back(found->id);
    }
    if (chunk.size() >= kChunk || (at_end && !chunk.empty())) {
      const auto count = static_cast<double>(chunk.size());
      LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await WriteMarks(
          std::exchange(chunk, {}), v1::DeadLetterMark::DROPPED, client));
      counters_.dropped.Increment(count);
    }
    if (at_end) co_return response;
  }
}

}  // namespace lamplighter::dispatcher
