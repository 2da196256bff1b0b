#pragma once

#include "absl/time/time.h"
#include "common/time/clock.h"
#include "services/reposync/events/repository_source.h"
#include "services/reposync/workers.h"

namespace lamplighter::reposync {

// Asks the provider worker that serves a connection's type. On the loop only.
class GrpcRepositorySource final : public RepositorySource {
 public:
  // A call takes `timeout` at most. `workers` and `clock` must outlive this.
  GrpcRepositorySource(const Workers& workers, absl::Duration timeout,
                       const Clock& clock)
      : workers_(workers), timeout_(timeout), clock_(clock) {}

  boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>> Get(
      StoredConnection connection, std::string repository_id) override;

 private:
  const Workers& workers_;
  const absl::Duration timeout_;
  const Clock& clock_;
};

}  // namespace lamplighter::reposync
