#pragma once

#include "absl/time/time.h"
#include "common/metrics/metrics.h"

namespace lamplighter {

// The metrics that Prometheus expects of every process, under its names, and
// lamplighter_build_info. On the loop only.
class ProcessMetrics {
 public:
  // `metrics` must outlive this.
  ProcessMetrics(Metrics& metrics, absl::Time start);

  // Reads anew what changes. Call before the metrics are written.
  void Update();

 private:
  prometheus::Counter& cpu_seconds_;
  prometheus::Gauge& resident_bytes_;
  prometheus::Gauge& open_fds_;
};

}  // namespace lamplighter
