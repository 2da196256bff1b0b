#pragma once

#include "common/metrics/metrics.h"

namespace lamplighter::reposync {

// What refreshes and look-ups measure. What hooks do is in
// hooks/hook_metrics.h.
struct ReposyncMetrics {
  explicit ReposyncMetrics(Metrics& metrics)
      : refreshes(metrics.AddCounters(
            "lamplighter_reposync_refreshes_total",
            "Refreshes that ended, by connection and state: done, failed, "
            "held.")),
        pages(metrics.AddCounters(
            "lamplighter_reposync_pages_total",
            "Pages listed, by connection and result: read, not_modified.")),
        changes(metrics.AddCounters(
            "lamplighter_reposync_changes_total",
            "Repositories that refreshes wrote, by connection and kind: added, "
            "changed, removed.")),
        doubts(metrics.AddCounters(
            "lamplighter_reposync_doubts_total",
            "Listings that were not believed, by connection and reason: loop, "
            "empty_page, repeated_page, total, shrunk, lost_group.")),
        repositories(
            metrics.AddGauges("lamplighter_reposync_repositories",
                              "Repositories that a connection reaches.")),
        refreshed_at(metrics.AddGauges(
            "lamplighter_reposync_refreshed_timestamp_seconds",
            "When the last refresh of a connection that is done ended.")),
        lookups(metrics.AddCounters(
            "lamplighter_reposync_lookups_total",
            "Look-ups of single repositories after events, by result: found, "
            "gone, unknown, failed, skipped.")) {}

  Metrics::Counters& refreshes;
  Metrics::Counters& pages;
  Metrics::Counters& changes;
  Metrics::Counters& doubts;
  Metrics::Gauges& repositories;
  Metrics::Gauges& refreshed_at;
  Metrics::Counters& lookups;
};

}  // namespace lamplighter::reposync
