#include "services/ingest/metrics.h"

#include <string>

namespace lamplighter::ingest {
namespace {

// By Reason.
constexpr std::array<const char*, kReasons> kReasonNames = {
    "signature",    "no_signature", "malformed", "size",    "unknown_source",
    "content_type", "wrong_forge",  "method",    "timeout", "broker",
    "overload",     "limit",        "internal"};

// By SourceRefusals::Limit.
constexpr std::array<const char*, SourceRefusals::kLimits> kLimitNames = {
    "rate", "concurrency", "size", "memory", "time"};

Reason ReasonOf(int status) {
  switch (status) {
    case 404:
      return Reason::kUnknownSource;
    case 405:
      return Reason::kMethod;
    case 408:
      return Reason::kTimeout;
    case 413:
    case 431:
      return Reason::kSize;
    case 500:
      return Reason::kInternal;
    case 503:
      return Reason::kOverload;
    default:
      return Reason::kMalformed;
  }
}

// Ingest answers within the broker's round trip, or not at all.
prometheus::Histogram::BucketBoundaries Seconds() {
  return {0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032,
          0.064,  0.125, 0.25,  0.5,   1,     2,     5};
}

}  // namespace

absl::string_view NameOf(v1::GitEvent::Type type) {
  switch (type) {
    case v1::GitEvent::PUSH:
      return "push";
    case v1::GitEvent::PULL_REQUEST:
      return "pull-request";
    case v1::GitEvent::REPOSITORY_CREATED:
      return "repository-created";
    case v1::GitEvent::REPOSITORY_RENAMED:
      return "repository-renamed";
    case v1::GitEvent::REPOSITORY_DELETED:
      return "repository-deleted";
    case v1::GitEvent::INSTALLATION_CHANGED:
      return "installation-changed";
    case v1::GitEvent::PING:
      return "ping";
    case v1::GitEvent::REPOSITORY_TRANSFERRED:
      return "repository-transferred";
    case v1::GitEvent::REPOSITORY_ARCHIVED:
      return "repository-archived";
    case v1::GitEvent::REPOSITORY_UNARCHIVED:
      return "repository-unarchived";
    case v1::GitEvent::REPOSITORY_UPDATED:
      return "repository-updated";
    default:
      return "other";
  }
}

void SourceRefusals::CountByStatus(int status) {
  if (status == 408) Count(Limit::kTime);
  if (status == 413) Count(Limit::kSize);
  if (status == 503) Count(Limit::kMemory);
}

IngestMetrics::IngestMetrics(Metrics& metrics)
    : source_refused_(metrics.AddCounters(
          "lamplighter_ingest_source_refused_total",
          "Requests of a source that its limits refused, by which.")) {
  auto& requests = metrics.AddCounters(
      "lamplighter_ingest_requests_total",
      "Requests by what became of them: accepted or rejected.");
  auto& rejected = metrics.AddCounters("lamplighter_ingest_rejected_total",
                                       "Requests not accepted, by why.");
  auto& events =
      metrics.AddCounters("lamplighter_ingest_git_events_total",
                          "Webhooks that verified, by what they say.");
  auto& durations = metrics.AddHistograms(
      "lamplighter_ingest_request_duration_seconds",
      "From the whole request being there to its answer being ready.");
  for (size_t i = 0; i < providers_.size(); ++i) {
    const bool known = i < std::size(kSourceTypes);
    const std::string name =
        known ? std::string(NameOf(kSourceTypes[i])) : "none";
    PerProvider& provider = providers_[i];
    provider.accepted =
        &requests.Add({{"provider", name}, {"result", "accepted"}});
    provider.rejected =
        &requests.Add({{"provider", name}, {"result", "rejected"}});
    for (size_t reason = 0; reason < kReasons; ++reason) {
      provider.reasons[reason] =
          &rejected.Add({{"provider", name}, {"reason", kReasonNames[reason]}});
    }
    provider.duration =
        known ? &durations.Add({{"provider", name}}, Seconds()) : nullptr;
    provider.types.fill(nullptr);
    if (!known || kSourceTypes[i] == SourceType::kFlux) continue;
    for (int type = v1::GitEvent::PUSH; type < v1::GitEvent::Type_ARRAYSIZE;
         ++type) {
      provider.types[type] = &events.Add(
          {{"provider", name},
           {"type",
            std::string(NameOf(static_cast<v1::GitEvent::Type>(type)))}});
    }
  }
}

void IngestMetrics::Accepted(SourceType provider, absl::Duration took) {
  Of(provider).accepted->Increment();
  Of(provider).duration->Observe(absl::ToDoubleSeconds(took));
}

void IngestMetrics::Rejected(SourceType provider, Reason reason,
                             absl::Duration took) {
  Of(provider).rejected->Increment();
  Of(provider).reasons[static_cast<size_t>(reason)]->Increment();
  Of(provider).duration->Observe(absl::ToDoubleSeconds(took));
}

void IngestMetrics::RejectedByServer(int status) {
  providers_.back().rejected->Increment();
  providers_.back().reasons[static_cast<size_t>(ReasonOf(status))]->Increment();
}

void IngestMetrics::Normalized(SourceType provider, v1::GitEvent::Type type) {
  prometheus::Counter* const counter = Of(provider).types[type];
  if (counter != nullptr) counter->Increment();
}

SourceRefusals IngestMetrics::RefusalsOf(const std::string& source) {
  SourceRefusals refusals;
  for (size_t i = 0; i < SourceRefusals::kLimits; ++i) {
    refusals.counters_[i] =
        &source_refused_.Add({{"source", source}, {"limit", kLimitNames[i]}});
  }
  return refusals;
}

SpoolMetrics::SpoolMetrics(Metrics& metrics)
    : spooled_(metrics
                   .AddCounters("lamplighter_ingest_spool_spooled_total",
                                "Records written to the spool.")
                   .Add({})),
      drained_(metrics
                   .AddCounters("lamplighter_ingest_spool_drained_total",
                                "Records of the spool that the brokers have.")
                   .Add({})),
      refused_(metrics
                   .AddCounters("lamplighter_ingest_spool_refused_total",
                                "Records of the spool that were given up.")
                   .Add({})),
      waiting_records_(metrics
                           .AddGauges("lamplighter_ingest_spool_records",
                                      "Records on the spool, by state.")
                           .Add({{"state", "waiting"}})),
      refused_records_(metrics.AddGauges("lamplighter_ingest_spool_records", "")
                           .Add({{"state", "refused"}})),
      used_bytes_(metrics
                      .AddGauges("lamplighter_ingest_spool_used_bytes",
                                 "What the spool uses of its max_bytes.")
                      .Add({})),
      max_bytes_(metrics
                     .AddGauges("lamplighter_ingest_spool_max_bytes",
                                "Most that the spool may use.")
                     .Add({})),
      oldest_seconds_(metrics
                          .AddGauges("lamplighter_ingest_spool_oldest_seconds",
                                     "Age of the oldest waiting record.")
                          .Add({})) {
  auto& errors = metrics.AddCounters("lamplighter_ingest_spool_errors_total",
                                     "Errors of the spool's file, by what was "
                                     "being done.");
  errors_ = {&errors.Add({{"operation", "write"}}),
             &errors.Add({{"operation", "read"}}),
             &errors.Add({{"operation", "settle"}})};
}

void SpoolMetrics::Show(const Usage& usage) {
  waiting_records_.Set(static_cast<double>(usage.records));
  refused_records_.Set(static_cast<double>(usage.refused));
  used_bytes_.Set(static_cast<double>(usage.used_bytes));
  max_bytes_.Set(static_cast<double>(usage.max_bytes));
  oldest_seconds_.Set(absl::ToDoubleSeconds(usage.oldest));
}

}  // namespace lamplighter::ingest
