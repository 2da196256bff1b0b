#pragma once

#include <array>
#include <cstdint>
#include <string>

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
  kLimit,          // the source is beyond what it may take
  kInternal,       // a bug of ours
};
inline constexpr size_t kReasons = static_cast<size_t>(Reason::kInternal) + 1;

// What one source was refused by its limits.
class SourceRefusals {
 public:
  // Label `limit` of lamplighter_ingest_source_refused_total.
  enum class Limit : uint8_t {
    kRate,
    kConcurrency,
    kSize,
    kMemory,  // its share of what bodies may take together
    kTime     // it sent its body too slowly
  };
  static constexpr size_t kLimits = static_cast<size_t>(Limit::kTime) + 1;

  void Count(Limit limit) {
    counters_[static_cast<size_t>(limit)]->Increment();
  }
  // The same for a status that the HTTP server answered by itself.
  void CountByStatus(int status);

 private:
  friend class IngestMetrics;
  std::array<prometheus::Counter*, kLimits> counters_ = {};
};

// What ingest measures.
class IngestMetrics {
 public:
  explicit IngestMetrics(Metrics& metrics);

  void Accepted(SourceType provider, absl::Duration took);
  void Rejected(SourceType provider, Reason reason, absl::Duration took);
  // The HTTP server itself answered with `status`.
  void RejectedByServer(int status);
  void Normalized(SourceType provider, v1::GitEvent::Type type);
  // The counters of a configured source; they live as long as the Metrics.
  SourceRefusals RefusalsOf(const std::string& source);

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
  Metrics::Counters& source_refused_;
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
