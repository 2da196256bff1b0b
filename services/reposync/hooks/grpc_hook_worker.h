#pragma once

#include <string>

#include "absl/time/time.h"
#include "common/time/clock.h"
#include "services/reposync/hooks/hook_worker.h"
#include "services/reposync/workers.h"

namespace lamplighter::reposync {

// Calls the provider worker that serves the type; FailedPrecondition if none is
// configured for it. On the loop only.
class GrpcHookWorker final : public HookWorker {
 public:
  // A call takes `timeout` at most. `workers` and `clock` must outlive this.
  GrpcHookWorker(const Workers& workers, absl::Duration timeout,
                 const Clock& clock)
      : workers_(workers), timeout_(timeout), clock_(clock) {}

  boost::asio::awaitable<absl::StatusOr<v1::EnsureWebhooksResponse>> Ensure(
      std::string type, v1::EnsureWebhooksRequest request) override;
  boost::asio::awaitable<absl::StatusOr<v1::RemoveWebhooksResponse>> Remove(
      std::string type, v1::RemoveWebhooksRequest request) override;
  boost::asio::awaitable<absl::Status> CheckCredential(
      std::string type, v1::Account account) override;

 private:
  const Workers& workers_;
  const absl::Duration timeout_;
  const Clock& clock_;
};

}  // namespace lamplighter::reposync
