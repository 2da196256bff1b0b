#include "services/dispatcher/pending/pending_statuses.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/log/log.h"
#include "common/time/proto_time.h"
#include "services/dispatcher/ledger/ledger.h"
#include "services/dispatcher/records.h"

namespace lamplighter::dispatcher {
namespace {

constexpr char kDescription[] = "waiting for its result";
// Until an error that the producer did not take is tried again.
constexpr absl::Duration kRetryInterval = absl::Seconds(5);
// So that others have their turn, too.
constexpr size_t kMaxEndedAtOnce = 1000;

absl::Duration SinceEpoch(absl::Time time) { return time - absl::UnixEpoch(); }

}  // namespace

bool MatchesPattern(absl::string_view pattern, absl::string_view text) {
  size_t p = 0;
  size_t t = 0;
  // Where to go on with one more character for the last star.
  size_t star = absl::string_view::npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == absl::string_view::npos;
}

PendingStatuses::PendingStatuses(const Options& options,
                                 boost::asio::io_context& loop,
                                 Producer& producer, const Clock& clock,
                                 DispatcherMetrics& metrics)
    : options_(options),
      producer_(producer),
      clock_(clock),
      metrics_(metrics),
      seen_(options.seen),
      self_(std::make_shared<PendingStatuses*>(this)),
      timer_(loop, [this] { Tick(); }) {}

std::vector<v1::StatusIntent> PendingStatuses::Expand(
    const v1::StatusIntent& intent) {
  std::vector<v1::StatusIntent> intents;
  const absl::Time now = clock_.Now();
  if (!IsStandIn(intent) || FromProto(intent.pending_until()) <= now) {
    return intents;
  }
  if (watch_.size() >= options_.max_watched) {
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning,
                                 "too many statuses are pending: no "
                                 "more are set")
        .With("pending", watch_.size())
        .With("repository", intent.repository_id());
    return intents;
  }
  for (const SeenContext& seen :
       seen_.Find(intent.repository_id(), now - options_.seen_within)) {
    if (!IsWanted(seen.context)) continue;
    v1::StatusIntent& pending = intents.emplace_back(intent);
    pending.clear_seen_contexts();
    pending.set_id(absl::StrCat(intent.id(), "/", seen.context));
    pending.set_context(seen.context);
    *pending.mutable_provider() = seen.provider;
    pending.set_summary(seen.summary);
    pending.set_state(v1::PENDING);
    pending.set_description(kDescription);
  }
  metrics_.pendings_made.Increment(static_cast<double>(intents.size()));
  return intents;
}

bool PendingStatuses::IsWanted(const std::string& context) const {
  return options_.contexts.empty() ||
         std::any_of(options_.contexts.begin(), options_.contexts.end(),
                     [&context](const std::string& pattern) {
                       return MatchesPattern(pattern, context);
                     });
}

void PendingStatuses::Restore(int32_t partition,
                              const v1::StatusOutcome& outcome) {
  seen_.Note(partition, outcome);
  watch_.Note(partition, outcome);
}

void PendingStatuses::OnRestored(int32_t partition) {
  watch_.Open(partition);
  Rearm();
}

void PendingStatuses::Note(int32_t partition,
                           const v1::StatusOutcome& outcome) {
  seen_.Note(partition, outcome);
  watch_.Note(partition, outcome);
  Rearm();
  const v1::StatusIntent& intent = outcome.intent();
  if (!IsStandIn(intent) || intent.state() != v1::ERROR ||
      outcome.result() != v1::StatusOutcome::SET) {
    return;
  }
  metrics_.pendings_timed_out.Increment();
  LAMPLIGHTER_LOG(kInfo, "a status was pending for too long")
      .With("repository", intent.repository_id())
      .With("sha", intent.sha())
      .With("context", intent.context())
      .With("intent", intent.id());
}

void PendingStatuses::Forget(int32_t partition) {
  seen_.Forget(partition);
  watch_.Forget(partition);
  Rearm();
}

void PendingStatuses::Stop() {
  stopped_ = true;
  Rearm();
}

void PendingStatuses::Tick() {
  for (const v1::StatusIntent& pending :
       watch_.TakeDue(clock_.Now(), kMaxEndedAtOnce)) {
    End(pending);
  }
  Rearm();
}

void PendingStatuses::End(const v1::StatusIntent& pending) {
  v1::StatusIntent error = pending;
  error.clear_retry();
  error.set_id(absl::StrCat(pending.id(), "/timed-out"));
  error.set_state(v1::ERROR);
  error.set_description(absl::StrCat("no result within ",
                                     absl::FormatDuration(options_.error_after),
                                     " of the push"));
  *error.mutable_event_time() = pending.pending_until();
  producer_.Produce(MakeIntentRecord(error, /*traceparent=*/""),
                    [self = std::weak_ptr(self_),
                     pending](const absl::StatusOr<RecordPosition>& written) {
                      const auto alive = self.lock();
                      if (alive == nullptr || written.ok()) return;
                      PendingStatuses& pendings = **alive;
                      pendings.watch_.Again(
                          pending, pendings.clock_.Now() + kRetryInterval);
                      pendings.Rearm();
                    });
}

void PendingStatuses::Rearm() {
  const absl::Time due = stopped_ ? absl::InfiniteFuture() : watch_.NextDue();
  timer_.Set(SinceEpoch(due), SinceEpoch(clock_.Now()));
}

}  // namespace lamplighter::dispatcher
