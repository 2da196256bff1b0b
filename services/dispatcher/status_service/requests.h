#pragma once

#include <string>

#include "absl/random/bit_gen_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/manifests/objects.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "proto/lamplighter/v1/status_service.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {

// What requests of StatusService say, checked. Errors are for the client:
//   InvalidArgument     it can never work; the message says what to mend;
//   NotFound            there is no such Provider;
//   FailedPrecondition  the Provider is suspended.

// A commit on the repository that a request means.
absl::StatusOr<v1::ListCommitStatusesRequest> ReadCommit(
    const v1::ProviderRef& provider, const std::string& repository_id,
    const std::string& sha, const Manifests& manifests);

// What is asked for by `client`. With an idempotency key the intent is the same
// for the same request; otherwise its id is drawn from `random`.
absl::StatusOr<v1::StatusIntent> MakeIntent(const v1::SetStatusRequest& request,
                                            const Manifests& manifests,
                                            const std::string& client,
                                            absl::Time now,
                                            absl::BitGenRef random);

}  // namespace lamplighter::dispatcher
