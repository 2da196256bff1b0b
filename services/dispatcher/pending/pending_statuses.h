#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/asio/io_context.hpp"
#include "common/kafka/producer.h"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/dispatcher/due_timer.h"
#include "services/dispatcher/metrics.h"
#include "services/dispatcher/pending/pending_watch.h"
#include "services/dispatcher/pending/seen_contexts.h"

namespace lamplighter::dispatcher {

// Pendings that stand in for results to come: makes them for the contexts that
// a repository has had, and has each that nobody resolved end as an error. Both
// are intents of their own, which the deliverer sets like any other. Knows what
// the ledger's topic and outcomes tell it, by partition of status-intents. On
// the loop only.
class PendingStatuses {
 public:
  struct Options {
    // With `*` for any characters; none for all contexts.
    std::vector<std::string> contexts;
    // What the error says that a pending had.
    absl::Duration error_after = absl::Hours(1);
    // How long ago a context may have been set.
    absl::Duration seen_within = absl::Hours(30 * 24);
    SeenContexts::Options seen;
    // While so many pendings wait for their results, no more are made.
    size_t max_watched = 100'000;
  };

  // All that is given must outlive this.
  PendingStatuses(const Options& options, boost::asio::io_context& loop,
                  Producer& producer, const Clock& clock,
                  DispatcherMetrics& metrics);
  PendingStatuses(const PendingStatuses&) = delete;
  PendingStatuses& operator=(const PendingStatuses&) = delete;

  // What an intent with `seen_contexts` asks for: an intent for each context,
  // the same ones however often it is read. None once its time is over.
  std::vector<v1::StatusIntent> Expand(const v1::StatusIntent& intent);

  // What the ledger's topic says of `partition`, and that this is all of it.
  void Restore(int32_t partition, const v1::StatusOutcome& outcome);
  void OnRestored(int32_t partition);

  // What has become of an intent.
  void Note(int32_t partition, const v1::StatusOutcome& outcome);

  // Another process has the partition from now on.
  void Forget(int32_t partition);

  // Ends the pendings that are due, as it does by itself in time.
  void Tick();

  // Ends no more by itself.
  void Stop();

 private:
  bool IsWanted(const std::string& context) const;
  // Asks for the error in place of `pending`.
  void End(const v1::StatusIntent& pending);
  void Rearm();

  const Options options_;
  Producer& producer_;
  const Clock& clock_;
  DispatcherMetrics& metrics_;
  SeenContexts seen_;
  PendingWatch watch_;
  bool stopped_ = false;
  // Gone with this: the producer may report later.
  const std::shared_ptr<PendingStatuses*> self_;
  DueTimer timer_;
};

// Whether `text` is as `pattern` says, where each `*` stands for any
// characters.
bool MatchesPattern(absl::string_view pattern, absl::string_view text);

}  // namespace lamplighter::dispatcher
