#pragma once

#include <string>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/grpc/authenticator.h"
#include "common/kafka/producer.h"
#include "common/manifests/manifest_source.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "proto/lamplighter/v1/status_service.grpc.pb.h"
#include "services/dispatcher/status_service/dead_letters.h"
#include "services/dispatcher/status_service/outcome_watches.h"
#include "services/dispatcher/status_service/status_reader.h"

namespace lamplighter::dispatcher {

// StatusService over gRPC: asks who calls, does what it is asked on the loop,
// counts it, and logs what changes something.
class StatusService final : public v1::StatusService::CallbackService {
 public:
  // What it works with. All must outlive the service.
  struct Parts {
    Authenticator& authenticator;
    const ManifestSource& manifests;
    Producer& producer;
    StatusReader& statuses;
    OutcomeWatches& watches;
    DeadLetters& dead_letters;
    const Clock& clock;
    Metrics& metrics;
    const Tracer& tracer;
  };

  StatusService(const Parts& parts, boost::asio::io_context& loop);

  grpc::ServerUnaryReactor* SetCommitStatus(
      grpc::CallbackServerContext* context, const v1::SetStatusRequest* request,
      v1::SetStatusResponse* response) override;
  grpc::ServerUnaryReactor* GetCommitStatus(
      grpc::CallbackServerContext* context,
      const v1::GetCommitStatusRequest* request,
      v1::GetCommitStatusResponse* response) override;
  grpc::ServerUnaryReactor* ListCommitStatuses(
      grpc::CallbackServerContext* context,
      const v1::ListStatusesRequest* request,
      v1::ListStatusesResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchOutcomesResponse>* WatchOutcomes(
      grpc::CallbackServerContext* context,
      const v1::WatchOutcomesRequest* request) override;
  grpc::ServerUnaryReactor* ListDeadLetters(
      grpc::CallbackServerContext* context,
      const v1::ListDeadLettersRequest* request,
      v1::ListDeadLettersResponse* response) override;
  grpc::ServerUnaryReactor* ReplayDeadLetters(
      grpc::CallbackServerContext* context,
      const v1::ReplayDeadLettersRequest* request,
      v1::ReplayDeadLettersResponse* response) override;
  grpc::ServerUnaryReactor* DropDeadLetters(
      grpc::CallbackServerContext* context,
      const v1::DropDeadLettersRequest* request,
      v1::DropDeadLettersResponse* response) override;

 private:
  using Context = grpc::CallbackServerContext;
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  Awaitable<absl::Status> Set(Context* context,
                              const v1::SetStatusRequest* request,
                              v1::SetStatusResponse* response);
  Awaitable<absl::Status> Get(Context* context,
                              const v1::GetCommitStatusRequest* request,
                              v1::GetCommitStatusResponse* response);
  Awaitable<absl::Status> List(Context* context,
                               const v1::ListStatusesRequest* request,
                               v1::ListStatusesResponse* response);
  Awaitable<absl::Status> Watch(Context* context,
                                v1::WatchOutcomesRequest request,
                                OutcomeWatches::Write write);
  Awaitable<absl::Status> ListLetters(Context* context,
                                      const v1::ListDeadLettersRequest* request,
                                      v1::ListDeadLettersResponse* response);
  Awaitable<absl::Status> Replay(Context* context,
                                 const v1::ReplayDeadLettersRequest* request,
                                 v1::ReplayDeadLettersResponse* response);
  Awaitable<absl::Status> Drop(Context* context,
                               const v1::DropDeadLettersRequest* request,
                               v1::DropDeadLettersResponse* response);

  // The client's name, if it has `scope`.
  absl::StatusOr<std::string> Authorize(const Context& context,
                                        const char* scope);
  // Runs a handler, and counts what it ends with.
  Awaitable<absl::Status> Count(const char* method,
                                Awaitable<absl::Status> handler);
  // What the forge shows on the commit that `request` means.
  Awaitable<absl::StatusOr<v1::ListCommitStatusesResponse>> Read(
      v1::ListStatusesRequest request);

  const Parts parts_;
  const boost::asio::any_io_executor executor_;
  Metrics::Counters& requests_;
  absl::BitGen random_;
};

}  // namespace lamplighter::dispatcher
