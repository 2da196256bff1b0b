#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/time/clock.h"
#include "services/reposync/refresh/repository_lister.h"
#include "services/reposync/workers.h"

namespace lamplighter::reposync {

// Lists through the provider worker that serves a connection's type. On the
// loop only.
class GrpcRepositoryLister final : public RepositoryLister {
 public:
  // A listing that takes longer than `timeout` breaks off with
  // DeadlineExceeded. `workers` and `clock` must outlive this.
  GrpcRepositoryLister(const Workers& workers, absl::Duration timeout,
                       const Clock& clock)
      : workers_(workers), timeout_(timeout), clock_(clock) {}

  // FailedPrecondition if no worker is configured for the type.
  absl::StatusOr<std::unique_ptr<RepositoryPages>> List(
      const StoredConnection& connection,
      v1::ListRepositoriesRequest request) override;

 private:
  const Workers& workers_;
  const absl::Duration timeout_;
  const Clock& clock_;
};

}  // namespace lamplighter::reposync
