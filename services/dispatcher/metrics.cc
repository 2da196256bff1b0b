#include "services/dispatcher/metrics.h"

namespace lamplighter::dispatcher {
namespace {

prometheus::Counter& Event(Metrics& metrics, const char* result) {
  return metrics
      .AddCounters("lamplighter_dispatcher_events_total",
                   "Flux events read, by what they meant.")
      .Add({{"result", result}});
}

prometheus::Counter& Outcome(Metrics& metrics, const char* result) {
  return metrics
      .AddCounters("lamplighter_dispatcher_outcomes_total",
                   "Status intents decided upon, by what became of them.")
      .Add({{"result", result}});
}

prometheus::Counter& Call(Metrics& metrics, const char* result) {
  return metrics
      .AddCounters("lamplighter_dispatcher_calls_total",
                   "Calls to provider workers.")
      .Add({{"result", result}});
}

prometheus::Counter& Retry(Metrics& metrics, const char* direction) {
  return metrics
      .AddCounters("lamplighter_dispatcher_retries_total",
                   "Status intents that left for the topic of retries, and "
                   "that came back.")
      .Add({{"direction", direction}});
}

prometheus::Counter& Pending(Metrics& metrics, const char* what) {
  return metrics
      .AddCounters("lamplighter_dispatcher_pendings_total",
                   "Pending statuses asked for because of pushes and pull "
                   "requests, and those that nobody resolved in time.")
      .Add({{"what", what}});
}

}  // namespace

DispatcherMetrics::DispatcherMetrics(Metrics& metrics)
    : events_routed(Event(metrics, "routed")),
      events_ignored(Event(metrics, "ignored")),
      events_dead(Event(metrics, "dead_lettered")),
      set(Outcome(metrics, "set")),
      unchanged(Outcome(metrics, "unchanged")),
      superseded(Outcome(metrics, "superseded")),
      dead_lettered(Outcome(metrics, "dead_lettered")),
      calls_ok(Call(metrics, "ok")),
      calls_failed(Call(metrics, "failed")),
      parked(Retry(metrics, "parked")),
      returned(Retry(metrics, "returned")),
      pendings_made(Pending(metrics, "made")),
      pendings_timed_out(Pending(metrics, "timed_out")),
      ledger_entries(
          metrics
              .AddGauges("lamplighter_dispatcher_ledger_entries",
                         "Statuses whose last outcome is held in memory.")
              .Add({})),
      held(metrics
               .AddGauges("lamplighter_dispatcher_held_intents",
                          "Status intents read and not yet decided upon.")
               .Add({})),
      end_to_end(metrics
                     .AddHistograms("lamplighter_dispatcher_end_to_end_seconds",
                                    "From an event to its status being set.")
                     .Add({}, Metrics::LatencyBuckets())) {}

prometheus::Counter& DispatcherMetrics::Outcomes(
    v1::StatusOutcome::Result result) {
  switch (result) {
    case v1::StatusOutcome::SET:
      return set;
    case v1::StatusOutcome::UNCHANGED:
      return unchanged;
    case v1::StatusOutcome::SUPERSEDED:
      return superseded;
    default:
      return dead_lettered;
  }
}

}  // namespace lamplighter::dispatcher
