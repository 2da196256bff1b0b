#pragma once

#include "absl/status/statusor.h"
#include "tests/vectors/vector.h"

// What services/dispatcher/router answers by itself. Errors are those of
// Compare().
namespace lamplighter::vectors {

absl::StatusOr<Comparison> ParseRevisionSubject(const Vector& vector);

// Flux's way of writing old revisions anew is a step to the commit's id, and it
// is the id that both must find.
absl::StatusOr<Comparison> TransformRevisionSubject(const Vector& vector);

absl::StatusOr<Comparison> GetRevisionSubject(const Vector& vector);
absl::StatusOr<Comparison> DefaultCommitStatusSubject(const Vector& vector);
absl::StatusOr<Comparison> CommitStatusExprSubject(const Vector& vector);
absl::StatusOr<Comparison> MetadataSubject(const Vector& vector);
absl::StatusOr<Comparison> AlertMatchSubject(const Vector& vector);

}  // namespace lamplighter::vectors
