#include "services/provider/status_worker.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "services/provider/forges/forge.h"
#include "services/provider/set_status.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

absl::Status CheckSha(const std::string& sha) {
  const bool is_hex = std::all_of(sha.begin(), sha.end(), [](char c) {
    return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
  });
  if (is_hex && (sha.size() == 40 || sha.size() == 64)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "sha: must be a commit id in full, lower-case hex");
}

}  // namespace

asio::awaitable<absl::StatusOr<v1::SetCommitStatusResponse>> StatusWorker::Set(
    v1::SetCommitStatusRequest request, Caller caller) {
  const v1::StatusIntent& intent = request.intent();
  if (intent.repository_id().empty()) {
    co_return absl::InvalidArgumentError(
        "intent.repository_id: must not be empty");
  }
  LAMPLIGHTER_CO_RETURN_IF_ERROR(CheckSha(intent.sha()));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      ForgeJob job, co_await jobs_.OnRepository(
                        intent.provider(), intent.repository_id(), caller));
  const absl::StatusOr<SetStatusResult> result = co_await SetStatus(
      *job.forge, job.call, intent, request.known_different());
  jobs_.Finish(job, result.status());
  if (!result.ok()) co_return result.status();
  v1::SetCommitStatusResponse response;
  response.set_written(result->written);
  response.set_forge_id(result->forge_id);
  if (const auto& limit = job.call.rate_limit()) {
    *response.mutable_rate_limit() = ToProto(*limit);
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::ListCommitStatusesResponse>>
StatusWorker::List(v1::ListCommitStatusesRequest request, Caller caller) {
  LAMPLIGHTER_CO_RETURN_IF_ERROR(CheckSha(request.sha()));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      ForgeJob job, co_await jobs_.OnRepository(
                        request.provider(), request.repository_id(), caller));
  const absl::StatusOr<std::vector<ForgeStatus>> statuses =
      co_await job.forge->List(job.call, request.sha());
  jobs_.Finish(job, statuses.status());
  if (!statuses.ok()) co_return statuses.status();
  v1::ListCommitStatusesResponse response;
  for (const ForgeStatus& status : *statuses) {
    v1::CommitStatus& proto = *response.add_statuses();
    proto.set_context(status.context);
    proto.set_state(job.forge->StateOf(status.state));
    proto.set_forge_state(status.state);
    proto.set_description(status.description);
    proto.set_target_url(status.target_url);
    if (status.updated_at) {
      *proto.mutable_updated_at() = ::lamplighter::ToProto(*status.updated_at);
    }
    proto.set_forge_id(status.id);
  }
  co_return response;
}

}  // namespace lamplighter::provider
