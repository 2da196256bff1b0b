#pragma once

#include "common/metrics/metrics.h"

namespace lamplighter::provider {

// What the worker measures.
struct ProviderMetrics {
  explicit ProviderMetrics(Metrics& metrics)
      : requests(metrics.AddCounters(
            "lamplighter_provider_requests_total",
            "Requests to forges, by type of provider, operation and the "
            "answer's status code (or why there was none).")),
        request_duration(metrics.AddHistograms(
            "lamplighter_provider_request_duration_seconds",
            "How long requests to forges took, by type of provider and "
            "operation.")),
        budget_remaining(metrics.AddGauges(
            "lamplighter_provider_budget_remaining",
            "Requests left in the window of a credential (namespace and name "
            "of its Secret), as its forge last said.")),
        redeliveries(metrics.AddCounters(
            "lamplighter_provider_redeliveries_total",
            "Deliveries of webhooks that failed, by connection and what became "
            "of them: found, redelivered, failed (again), given_up.")) {}

  Metrics::Counters& requests;
  Metrics::Histograms& request_duration;
  Metrics::Gauges& budget_remaining;
  Metrics::Counters& redeliveries;
};

}  // namespace lamplighter::provider
