#pragma once

namespace lamplighter {

// The topics that carry Lamplighter's data; topics.h knows how they are made.
inline constexpr char kFluxEventsTopic[] = "lamplighter.flux-events.v1";
inline constexpr char kGitEventsTopic[] = "lamplighter.git-events.v1";
inline constexpr char kStatusIntentsTopic[] = "lamplighter.status-intents.v1";
inline constexpr char kStatusRetriesTopic[] = "lamplighter.status-retries.v1";
inline constexpr char kStatusLedgerTopic[] = "lamplighter.status-ledger.v1";
inline constexpr char kStatusOutcomesTopic[] = "lamplighter.status-outcomes.v1";
inline constexpr char kDeadLettersTopic[] = "lamplighter.dead-letters.v1";
inline constexpr char kDeadLetterMarksTopic[] =
    "lamplighter.dead-letter-marks.v1";
inline constexpr char kCatalogChangesTopic[] = "lamplighter.catalog-changes.v1";

}  // namespace lamplighter
