#pragma once

#include "common/metrics/metrics.h"

namespace lamplighter::reposync {

// What the reconciler of webhooks measures.
struct HookMetrics {
  explicit HookMetrics(Metrics& metrics)
      : hooks(metrics.AddGauges(
            "lamplighter_reposync_hooks",
            "Webhooks in the catalog, by state: wanted, present, failing, "
            "removing, orphaned, unmanaged.")),
        repairs(metrics.AddCounters(
            "lamplighter_reposync_hook_repairs_total",
            "Webhooks that were not as they should be and were mended, by "
            "kind: deleted, repaired.")),
        errors(metrics.AddCounters(
            "lamplighter_reposync_hook_errors_total",
            "Calls for webhooks that failed, by code of the error.")) {}

  Metrics::Gauges& hooks;
  Metrics::Counters& repairs;
  Metrics::Counters& errors;
};

}  // namespace lamplighter::reposync
