#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace lamplighter {

// The process's metrics. Names are lamplighter_<service>_<noun>_<unit>[_total];
// labels are few and bounded: never a repository, a commit or a URL.
//
// Make one in main and hand it to whoever measures; a service keeps what it
// measures in one struct in its `metrics.h`.
class Metrics {
 public:
  using Counters = prometheus::Family<prometheus::Counter>;
  using Gauges = prometheus::Family<prometheus::Gauge>;
  using Histograms = prometheus::Family<prometheus::Histogram>;

  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The family of that name, made at the first call. They live as long as this.
  Counters& AddCounters(const std::string& name, const std::string& help);
  Gauges& AddGauges(const std::string& name, const std::string& help);
  Histograms& AddHistograms(const std::string& name, const std::string& help);

  // Everything in Prometheus text format 0.0.4.
  std::string Text() const;

  // Bounds in seconds for things that take from a millisecond to a minute.
  static prometheus::Histogram::BucketBoundaries LatencyBuckets();

 private:
  std::shared_ptr<prometheus::Registry> registry_;
};

}  // namespace lamplighter
