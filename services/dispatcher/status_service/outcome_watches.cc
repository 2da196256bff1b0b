#include "services/dispatcher/status_service/outcome_watches.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "common/kafka/consumer.h"
#include "common/kafka/topic_names.h"
#include "common/kafka/topic_reader.h"
#include "common/status/macros.h"
#include "services/dispatcher/status_service/resume_token.h"

namespace lamplighter::dispatcher {
namespace {

using ::boost::asio::awaitable;

constexpr int kMaxRepositories = 1'000;
// How soon a stream notices that it is to end.
constexpr absl::Duration kTurn = absl::Milliseconds(500);

// Which outcomes a client wants to be told.
class Filter {
 public:
  explicit Filter(const v1::WatchOutcomesRequest& request)
      : sha_(absl::AsciiStrToLower(request.sha())),
        intent_id_(request.intent_id()),
        results_(request.results().begin(), request.results().end()) {
    for (const std::string& id : request.repository_ids()) {
      repositories_.insert(absl::AsciiStrToLower(id));
    }
  }

  absl::optional<v1::StatusOutcome> Read(const Record& record) const {
    // The key spares most of the others to be decoded.
    if (!repositories_.empty() && !repositories_.contains(record.key)) {
      return absl::nullopt;
    }
    v1::StatusOutcome outcome;
    if (!outcome.ParseFromString(record.value)) return absl::nullopt;
    const v1::StatusIntent& intent = outcome.intent();
    if ((!sha_.empty() && intent.sha() != sha_) ||
        (!intent_id_.empty() && intent.id() != intent_id_) ||
        (!results_.empty() && !results_.contains(outcome.result()))) {
      return absl::nullopt;
    }
    return outcome;
  }

 private:
  absl::flat_hash_set<std::string> repositories_;
  const std::string sha_;
  const std::string intent_id_;
  const absl::flat_hash_set<int> results_;
};

v1::WatchOutcomesResponse Progress(const ResumePoint& point) {
  v1::WatchOutcomesResponse response;
  response.set_resume_token(FormatResumeToken(point));
  return response;
}

absl::Status Position(const ResumePoint& point, TopicReader& reader) {
  std::vector<RecordPosition> from;
  for (const int64_t offset : point) {
    from.push_back(
        {kStatusOutcomesTopic, static_cast<int32_t>(from.size()), offset});
  }
  return reader.Assign(std::move(from));
}

}  // namespace

OutcomeWatches::OutcomeWatches(const Options& options, OpenReader open_reader,
                               const Clock& clock,
                               prometheus::Gauge& open_streams)
    : options_(options),
      open_reader_(std::move(open_reader)),
      clock_(clock),
      open_streams_(open_streams) {}

awaitable<absl::Status> OutcomeWatches::Run(v1::WatchOutcomesRequest request,
                                            Write write) {
  if (request.repository_ids_size() > kMaxRepositories) {
    co_return absl::InvalidArgumentError(
        absl::StrCat("repository_ids: must be ", kMaxRepositories, " at most"));
  }
  if (open_ >= options_.max_streams) {
    co_return absl::ResourceExhaustedError(
        absl::StrCat("there are ", options_.max_streams,
                     " streams already, which is the most; try again later, "
                     "or watch more with one stream"));
  }
  open_streams_.Set(++open_);
  const absl::Cleanup close = [this] { open_streams_.Set(--open_); };
  co_return co_await Follow(std::move(request), std::move(write));
}

awaitable<absl::Status> OutcomeWatches::Follow(v1::WatchOutcomesRequest request,
                                               Write write) {
  const Filter filter(request);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::unique_ptr<TopicReader> reader,
                                  open_reader_(kStatusOutcomesTopic));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<PartitionOffsets> offsets,
                                  co_await reader->Offsets(kReadLimit));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      ResumePoint point, ReadResumeToken(request.resume_token(), offsets));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(Position(point, *reader));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await write(Progress(point)));
  absl::Duration written = clock_.MonotonicNow();
  while (!stopping_) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::vector<ConsumedRecord> records,
                                    co_await reader->Next(kTurn));
    for (const ConsumedRecord& consumed : records) {
      point[consumed.position.partition] = consumed.position.offset + 1;
      absl::optional<v1::StatusOutcome> outcome = filter.Read(consumed.record);
      if (!outcome.has_value()) continue;
      v1::WatchOutcomesResponse response = Progress(point);
      *response.mutable_outcome() = *std::move(outcome);
      LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await write(std::move(response)));
      written = clock_.MonotonicNow();
    }
    if (clock_.MonotonicNow() - written < options_.progress_interval) continue;
    LAMPLIGHTER_CO_RETURN_IF_ERROR(co_await write(Progress(point)));
    written = clock_.MonotonicNow();
  }
  co_return absl::UnavailableError(
      "the dispatcher stops: go on with the last resume_token");
}

}  // namespace lamplighter::dispatcher
