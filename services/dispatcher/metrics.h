#pragma once

#include "common/metrics/metrics.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {

// What the dispatcher measures.
struct DispatcherMetrics {
  explicit DispatcherMetrics(Metrics& metrics);

  // Flux events read, by what they meant.
  prometheus::Counter& events_routed;
  prometheus::Counter& events_ignored;
  prometheus::Counter& events_dead;
  // Intents decided upon, by result.
  prometheus::Counter& set;
  prometheus::Counter& unchanged;
  prometheus::Counter& superseded;
  prometheus::Counter& dead_lettered;
  // Calls to provider workers.
  prometheus::Counter& calls_ok;
  prometheus::Counter& calls_failed;
  // Intents that left to wait elsewhere, and that came back.
  prometheus::Counter& parked;
  prometheus::Counter& returned;
  // Pendings asked for because of a push or pull request, and those that became
  // errors because nobody resolved them.
  prometheus::Counter& pendings_made;
  prometheus::Counter& pendings_timed_out;
  // Entries of the ledger in memory.
  prometheus::Gauge& ledger_entries;
  // Intents held in memory.
  prometheus::Gauge& held;
  // From the event to the decision, by the clocks of two machines.
  prometheus::Histogram& end_to_end;

  // The counter of `result`.
  prometheus::Counter& Outcomes(v1::StatusOutcome::Result result);
};

}  // namespace lamplighter::dispatcher
