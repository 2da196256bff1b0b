#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/manifests/objects.h"
#include "common/metrics/metrics.h"
#include "prometheus/gauge.h"

namespace lamplighter {

// What is measured of the objects in force; `service` is the reader's name.
class ManifestMetrics {
 public:
  ManifestMetrics(Metrics& metrics, const std::string& service)
      : providers_(Objects(metrics, service, "provider")),
        alerts_(Objects(metrics, service, "alert")),
        secrets_(Objects(metrics, service, "secret")),
        invalid_(metrics
                     .AddGauges(absl::StrCat("lamplighter_", service,
                                             "_manifest_invalid_objects"),
                                "Flux objects that are invalid; their last "
                                "valid form is in force.")
                     .Add({})),
        last_sync_(
            metrics
                .AddGauges(
                    absl::StrCat("lamplighter_", service,
                                 "_manifest_last_sync_timestamp_seconds"),
                    "When the objects in force were last known to be all.")
                .Add({})) {}

  void Set(const Manifests& manifests, size_t invalid) {
    providers_.Set(static_cast<double>(manifests.providers.size()));
    alerts_.Set(static_cast<double>(manifests.alerts.size()));
    secrets_.Set(static_cast<double>(manifests.secrets.size()));
    invalid_.Set(static_cast<double>(invalid));
  }
  void SetLastSync(absl::Time when) {
    last_sync_.Set(absl::ToDoubleSeconds(when - absl::UnixEpoch()));
  }

 private:
  static prometheus::Gauge& Objects(Metrics& metrics,
                                    const std::string& service,
                                    const char* kind) {
    return metrics
        .AddGauges(absl::StrCat("lamplighter_", service, "_manifest_objects"),
                   "Flux objects in force, by kind.")
        .Add({{"kind", kind}});
  }

  prometheus::Gauge& providers_;
  prometheus::Gauge& alerts_;
  prometheus::Gauge& secrets_;
  prometheus::Gauge& invalid_;
  prometheus::Gauge& last_sync_;
};

}  // namespace lamplighter
