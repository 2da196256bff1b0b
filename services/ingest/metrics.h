#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"
#include "common/metrics/metrics.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {

// Why a request was not accepted. Label `reason` of
// lamplighter_ingest_rejected_total.
enum class Reason : uint8_t {
  kSignature,      // a proof was there and is wrong
  kNoSignature,    // no proof was there
  kMalformed,      // not HTTP, not JSON or not an event
  kSize,           // too large for us or for the broker
  kUnknownSource,  // no such source or path
  kContentType,    // neither JSON nor a form
  kWrongForge,     // another forge's delivery
  kMethod,         // not a POST
  kTimeout,        // the client was too slow
  kBroker,         // the broker did not take it
  kOverload,       // too much is being held already
  kInternal,       // a bug of ours
};
inline constexpr size_t kReasons = static_cast<size_t>(Reason::kInternal) + 1;

// What ingest measures.
class IngestMetrics {
 public:
  explicit IngestMetrics(Metrics& metrics);

  void Accepted(SourceType provider, absl::Duration took);
  void Rejected(SourceType provider, Reason reason, absl::Duration took);
  // The HTTP server itself answered with `status`.
  void RejectedByServer(int status);
  void Normalized(SourceType provider, v1::GitEvent::Type type);

 private:
  struct PerProvider {
    prometheus::Counter* accepted;
    prometheus::Counter* rejected;
    std::array<prometheus::Counter*, kReasons> reasons;
    prometheus::Histogram* duration;  // null where there is no provider
    // By GitEvent::Type; null for Flux.
    std::array<prometheus::Counter*, v1::GitEvent::Type_ARRAYSIZE> types;
  };

  PerProvider& Of(SourceType provider) {
    return providers_[static_cast<size_t>(provider)];
  }

  // By SourceType, then one for requests that reached no provider.
  std::array<PerProvider, std::size(kSourceTypes) + 1> providers_;
};

// What the spool measures.
class SpoolMetrics {
 public:
  // Where an error happened. Label `operation` of
  // lamplighter_ingest_spool_errors_total.
  enum class Operation : uint8_t { kWrite, kRead, kSettle };

  // What is on the spool now.
  struct Usage {
    int64_t records = 0;
    int64_t refused = 0;
    int64_t used_bytes = 0;
    int64_t max_bytes = 0;
    absl::Duration oldest;  // its age; zero if there is none
  };

  explicit SpoolMetrics(Metrics& metrics);

  void Spooled() { spooled_.Increment(); }
  void Drained(size_t records) {
    drained_.Increment(static_cast<double>(records));
  }
  void Refused(size_t records) {
    refused_.Increment(static_cast<double>(records));
  }
  void Failed(Operation operation) {
    errors_[static_cast<size_t>(operation)]->Increment();
  }
  void Show(const Usage& usage);

 private:
  prometheus::Counter& spooled_;
  prometheus::Counter& drained_;
  prometheus::Counter& refused_;
  std::array<prometheus::Counter*, 3> errors_;  // by Operation
  prometheus::Gauge& waiting_records_;
  prometheus::Gauge& refused_records_;
  prometheus::Gauge& used_bytes_;
  prometheus::Gauge& max_bytes_;
  prometheus::Gauge& oldest_seconds_;
};

// Lower-case words for labels and ce_type: "push", "pull-request".
absl::string_view NameOf(v1::GitEvent::Type type);

}  // namespace lamplighter::ingest
