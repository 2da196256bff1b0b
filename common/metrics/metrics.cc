#include "common/metrics/metrics.h"

#include "prometheus/text_serializer.h"

namespace lamplighter {

Metrics::Metrics() : registry_(std::make_shared<prometheus::Registry>()) {}

Metrics::Counters& Metrics::AddCounters(const std::string& name,
                                        const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(*registry_);
}

Metrics::Gauges& Metrics::AddGauges(const std::string& name,
                                    const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(*registry_);
}

Metrics::Histograms& Metrics::AddHistograms(const std::string& name,
                                            const std::string& help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(
      *registry_);
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

prometheus::Histogram::BucketBoundaries Metrics::LatencyBuckets() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
          0.5,   1,      2.5,   5,    10,    30,   60};
}

}  // namespace lamplighter
