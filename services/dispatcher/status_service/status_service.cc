#include "services/dispatcher/status_service/status_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/grpc/serve_stream.h"
#include "common/grpc/serve_unary.h"
#include "common/grpc/write_limit.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "common/tracing/attributes.h"
#include "services/dispatcher/records.h"
#include "services/dispatcher/status_service/requests.h"
#include "services/dispatcher/status_service/scopes.h"

namespace lamplighter::dispatcher {
namespace {

using ::boost::asio::awaitable;

// How long a watching client may take to take one answer.
constexpr absl::Duration kWriteLimit = absl::Minutes(1);

// What Kafka or a worker says of us is not what the client may do or has to
// mend.
absl::Status NotTheClients(const absl::Status& error, const char* what) {
  switch (error.code()) {
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return absl::FailedPreconditionError(
          absl::StrCat(what, ": ", error.message()));
    default:
      return error;
  }
}

std::string Traceparent(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto it = metadata.find("traceparent");
  if (it == metadata.end()) return "";
  return std::string(it->second.data(), it->second.size());
}

}  // namespace

StatusService::StatusService(const Parts& parts, boost::asio::io_context& loop)
    : parts_(parts),
      executor_(loop.get_executor()),
      requests_(parts.metrics.AddCounters(
          "lamplighter_dispatcher_status_service_requests_total",
          "Calls of StatusService that ended, by method and code.")) {}

absl::StatusOr<std::string> StatusService::Authorize(const Context& context,
                                                     const char* scope) {
  return parts_.authenticator.Authorize(ProofOf(context), scope);
}

awaitable<absl::Status> StatusService::Count(const char* method,
                                             awaitable<absl::Status> handler) {
  absl::Status status = co_await std::move(handler);
  requests_
      .Add({{"method", method},
            {"code", absl::StatusCodeToString(status.code())}})
      .Increment();
  co_return status;
}

grpc::ServerUnaryReactor* StatusService::SetCommitStatus(
    Context* context, const v1::SetStatusRequest* request,
    v1::SetStatusResponse* response) {
  return ServeUnary(executor_,
                    Count("SetCommitStatus", Set(context, request, response)));
}

awaitable<absl::Status> StatusService::Set(Context* context,
                                           const v1::SetStatusRequest* request,
                                           v1::SetStatusResponse* response) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string client,
                                  Authorize(*context, kStatusesWrite));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const v1::StatusIntent intent,
      MakeIntent(*request, *parts_.manifests.Current(), client,
                 parts_.clock.Now(), random_));
  Span span = parts_.tracer.Begin("SetCommitStatus", SpanKind::kServer,
                                  Traceparent(*context));
  span.Set(attribute::kRepositoryId, intent.repository_id())
      .Set(attribute::kCommit, intent.sha());
  const auto written =
      co_await Send(parts_.producer,
                    MakeIntentRecord(intent, span.context().ToTraceparent()));
  LAMPLIGHTER_LOG(kInfo, "a client asks for a status")
      .With("client", client)
      .With("intent", intent.id())
      .With("repository", intent.repository_id())
      .With("sha", intent.sha())
      .With("context", intent.context())
      .With("state", v1::CommitState_Name(intent.state()))
      .With("result", written.status());
  if (!written.ok()) co_return NotTheClients(written.status(), "kafka");
  response->set_intent_id(intent.id());
  co_return absl::OkStatus();
}

grpc::ServerUnaryReactor* StatusService::GetCommitStatus(
    Context* context, const v1::GetCommitStatusRequest* request,
    v1::GetCommitStatusResponse* response) {
  return ServeUnary(executor_,
                    Count("GetCommitStatus", Get(context, request, response)));
}

awaitable<absl::Status> StatusService::Get(
    Context* context, const v1::GetCommitStatusRequest* request,
    v1::GetCommitStatusResponse* response) {
  LAMPLIGHTER_CO_RETURN_IF_ERROR(Authorize(*context, kStatusesRead).status());
  if (request->context().empty()) {
    co_return absl::InvalidArgumentError("context: must not be empty");
  }
  v1::ListStatusesRequest commit;
  *commit.mutable_provider() = request->provider();
  commit.set_repository_id(request->repository_id());
  commit.set_sha(request->sha());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ListCommitStatusesResponse listed,
                                  co_await Read(std::move(commit)));
  for (v1::CommitStatus& status : *listed.mutable_statuses()) {
    if (status.context() != request->context()) continue;
    *response->mutable_status() = std::move(status);
    co_return absl::OkStatus();
  }
  co_return absl::NotFoundError(absl::StrCat("the forge shows no status ",
                                             request->context(), " on commit ",
                                             request->sha()));
}

grpc::ServerUnaryReactor* StatusService::ListCommitStatuses(
    Context* context, const v1::ListStatusesRequest* request,
    v1::ListStatusesResponse* response) {
  return ServeUnary(
      executor_, Count("ListCommitStatuses", List(context, request, response)));
}

awaitable<absl::Status> StatusService::List(
    Context* context, const v1::ListStatusesRequest* request,
    v1::ListStatusesResponse* response) {
  LAMPLIGHTER_CO_RETURN_IF_ERROR(Authorize(*context, kStatusesRead).status());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(v1::ListCommitStatusesResponse listed,
                                  co_await Read(*request));
  response->mutable_statuses()->Swap(listed.mutable_statuses());
  co_return absl::OkStatus();
}

awaitable<absl::StatusOr<v1::ListCommitStatusesResponse>> StatusService::Read(
    v1::ListStatusesRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      v1::ListCommitStatusesRequest commit,
      ReadCommit(request.provider(), request.repository_id(), request.sha(),
                 *parts_.manifests.Current()));
  auto listed = co_await parts_.statuses.List(std::move(commit));
  if (!listed.ok()) {
    co_return NotTheClients(listed.status(),
                            "the forge refuses the Provider's credential");
  }
  co_return listed;
}

grpc::ServerWriteReactor<v1::WatchOutcomesResponse>*
StatusService::WatchOutcomes(Context* context,
                             const v1::WatchOutcomesRequest* request) {
  auto handle = [this, context, request](OutcomeWatches::Write write) {
    return Count("WatchOutcomes", Watch(context, *request, std::move(write)));
  };
  return ServeStream<v1::WatchOutcomesResponse>(executor_, std::move(handle));
}

awaitable<absl::Status> StatusService::Watch(Context* context,
                                             v1::WatchOutcomesRequest request,
                                             OutcomeWatches::Write write) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string client,
                                  Authorize(*context, kStatusesRead));
  auto cut_off = [context, client] {
    LAMPLIGHTER_LOG(kWarning, "a client that watches takes nothing; cut off")
        .With("client", client);
    context->TryCancel();
  };
  auto limited = [write = std::move(write),
                  cut_off](v1::WatchOutcomesResponse response) {
    return WriteWithin(kWriteLimit, write, std::move(response), cut_off);
  };
  co_return co_await parts_.watches.Run(std::move(request), std::move(limited));
}

grpc::ServerUnaryReactor* StatusService::ListDeadLetters(
    Context* context, const v1::ListDeadLettersRequest* request,
    v1::ListDeadLettersResponse* response) {
  return ServeUnary(executor_, Count("ListDeadLetters",
                                     ListLetters(context, request, response)));
}

awaitable<absl::Status> StatusService::ListLetters(
    Context* context, const v1::ListDeadLettersRequest* request,
    v1::ListDeadLettersResponse* response) {
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      Authorize(*context, kDeadLettersRead).status());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(*response,
                                  co_await parts_.dead_letters.List(*request));
  co_return absl::OkStatus();
}

grpc::ServerUnaryReactor* StatusService::ReplayDeadLetters(
    Context* context, const v1::ReplayDeadLettersRequest* request,
    v1::ReplayDeadLettersResponse* response) {
  return ServeUnary(executor_, Count("ReplayDeadLetters",
                                     Replay(context, request, response)));
}

awaitable<absl::Status> StatusService::Replay(
    Context* context, const v1::ReplayDeadLettersRequest* request,
    v1::ReplayDeadLettersResponse* response) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string client,
                                  Authorize(*context, kDeadLettersWrite));
  auto replayed = co_await parts_.dead_letters.Replay(*request, client);
  if (replayed.ok()) *response = *std::move(replayed);
  LAMPLIGHTER_LOG(kInfo, "a client replays dead letters")
      .With("client", client)
      .With("dry_run", request->dry_run())
      .With("replayed", response->replayed_size())
      .With("quarantined", response->quarantined_size())
      .With("not_replayable", response->not_replayable_size())
      .With("result", replayed.status());
  co_return NotTheClients(replayed.status(), "kafka");
}

grpc::ServerUnaryReactor* StatusService::DropDeadLetters(
    Context* context, const v1::DropDeadLettersRequest* request,
    v1::DropDeadLettersResponse* response) {
  return ServeUnary(executor_,
                    Count("DropDeadLetters", Drop(context, request, response)));
}

awaitable<absl::Status> StatusService::Drop(
    Context* context, const v1::DropDeadLettersRequest* request,
    v1::DropDeadLettersResponse* response) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string client,
                                  Authorize(*context, kDeadLettersWrite));
  auto dropped = co_await parts_.dead_letters.Drop(*request, client);
  if (dropped.ok()) *response = *std::move(dropped);
  LAMPLIGHTER_LOG(kInfo, "a client drops dead letters")
      .With("client", client)
      .With("dry_run", request->dry_run())
      .With("dropped", response->dropped_size())
      .With("result", dropped.status());
  co_return NotTheClients(dropped.status(), "kafka");
}

}  // namespace lamplighter::dispatcher
