#pragma once

#include "absl/status/statusor.h"
#include "tests/vectors/vector.h"

// What takes the router and the provider worker, with a forge that answers as
// its type does. Errors are those of Compare().
namespace lamplighter::vectors {

// The requests that set statuses: method, path and body. What is read before,
// and headers, are each one's own business.
absl::StatusOr<Comparison> WireSubject(const Vector& vector);

// "github state": the forge's word for a severity.
absl::StatusOr<Comparison> StateSubject(const Vector& vector);

absl::StatusOr<Comparison> NameAndDescriptionSubject(const Vector& vector);

// The key that both Bitbuckets know a status by.
absl::StatusOr<Comparison> Sha1Subject(const Vector& vector);

// Where the builds of a commit are.
absl::StatusOr<Comparison> BitbucketServerAddressSubject(const Vector& vector);

// "gitlab empty token": whether a Provider like that sets statuses at all.
absl::StatusOr<Comparison> ConstructorSubject(const Vector& vector);

}  // namespace lamplighter::vectors
