#include "services/provider/status_worker.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/forge/git_address.h"
#include "common/grpc/retry_info.h"
#include "common/manifests/objects.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "services/provider/credentials.h"
#include "services/provider/forges/forges.h"
#include "services/provider/set_status.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// For callers that set no deadline.
constexpr absl::Duration kLongestOperation = absl::Minutes(1);

absl::Status CheckSha(const std::string& sha) {
  const bool is_hex = std::all_of(sha.begin(), sha.end(), [](char c) {
    return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
  });
  if (is_hex && (sha.size() == 40 || sha.size() == 64)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "sha: must be a commit id in full, lower-case hex");
}

// That the caller means the repository that the Provider is for: an event never
// chooses where a credential goes. A caller without Secrets knows the address
// of the Provider only, where a Secret overrides it. Empty means the
// Provider's.
absl::Status CheckRepository(const std::string& repository_id,
                             const Provider& provider, const Access& access) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string own,
                               RepositoryId(provider.type, access.address));
  if (repository_id == own || repository_id.empty()) return absl::OkStatus();
  const auto stated = RepositoryId(provider.type, provider.address);
  if (stated.ok() && repository_id == *stated) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("repository_id: provider ", provider.namespace_, "/",
                   provider.name, " is for ", own));
}

}  // namespace

absl::StatusOr<std::unique_ptr<StatusWorker>> StatusWorker::Create(
    const Options& options, const ManifestSource& manifests, HttpClient& http,
    const Clock& clock, Metrics& metrics) {
  auto worker = std::unique_ptr<StatusWorker>(
      new StatusWorker(options, manifests, http, clock, metrics));
  const auto is_wanted = [&](absl::string_view type) {
    return options.types.empty() || absl::c_linear_search(options.types, type);
  };
  for (const ForgeFactory& factory : AllForges()) {
    if (!is_wanted(factory.provider_type)) continue;
    worker->forges_.emplace(factory.provider_type, factory.make());
  }
  for (const std::string& type : options.types) {
    if (worker->forges_.contains(type)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "there is no provider type ", type, "; those there are: ",
        absl::StrJoin(AllForges(), ", ",
                      [](std::string* out, const ForgeFactory& factory) {
                        absl::StrAppend(out, factory.provider_type);
                      })));
  }
  return worker;
}

StatusWorker::StatusWorker(const Options& options,
                           const ManifestSource& manifests, HttpClient& http,
                           const Clock& clock, Metrics& metrics)
    : forge_timeout_(options.forge_timeout),
      manifests_(manifests),
      http_(http),
      clock_(clock),
      metrics_(metrics),
      rate_limits_(clock) {}

absl::StatusOr<StatusWorker::Job> StatusWorker::Prepare(
    const v1::ProviderRef& ref, const std::string& repository_id,
    const std::string& sha, absl::Time deadline) {
  LAMPLIGHTER_RETURN_IF_ERROR(CheckSha(sha));
  const std::string name = absl::StrCat(ref.namespace_(), "/", ref.name());
  const std::shared_ptr<const Manifests> manifests = manifests_.Current();
  const Provider* provider =
      manifests->FindProvider(ref.namespace_(), ref.name());
  if (provider == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("provider ", name, " does not exist"));
  }
  if (provider->suspend) {
    return absl::FailedPreconditionError(
        absl::StrCat("provider ", name, " is suspended"));
  }
  const auto forge = forges_.find(provider->type);
  if (forge == forges_.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("provider ", name, " is of type ", provider->type,
                     ", which is not served here"));
  }
  ForgeCall::Target target;
  target.provider_type = provider->type;
  LAMPLIGHTER_ASSIGN_OR_RETURN(target.access,
                               ReadAccess(*manifests, *provider));
  LAMPLIGHTER_ASSIGN_OR_RETURN(target.address,
                               ParseGitAddress(target.access.address));
  LAMPLIGHTER_RETURN_IF_ERROR(
      CheckRepository(repository_id, *provider, target.access));
  target.timeout = provider->timeout.value_or(forge_timeout_);
  target.deadline = clock_.MonotonicNow() +
                    std::min(deadline - clock_.Now(), kLongestOperation);
  // By host and credential: many Providers share one Secret, and its limit.
  std::string key =
      absl::StrCat(target.address.host, " ", target.access.fingerprint);
  const absl::Duration wait = rate_limits_.Remaining(key);
  if (wait > absl::ZeroDuration()) {
    return RateLimited(
        absl::StrCat("secret ", target.access.credential_name,
                     " has used up its quota at ", target.address.host),
        wait);
  }
  return Job{forge->second.get(), std::move(key),
             ForgeCall(std::move(target), http_, clock_, metrics_)};
}

void StatusWorker::Learn(const Job& job, const absl::Status& status) {
  const absl::optional<absl::Duration> wait = RetryAfter(status);
  if (absl::IsResourceExhausted(status) && wait) {
    rate_limits_.Limit(job.credential_key, *wait);
    return;
  }
  const auto& limit = job.call.rate_limit();
  if (!limit || limit->remaining > 0) return;
  const absl::Duration left = limit->resets_at - clock_.Now();
  rate_limits_.Limit(job.credential_key,
                     *RetryAfter(RateLimited("quota used up", left)));
}

asio::awaitable<absl::StatusOr<v1::SetCommitStatusResponse>> StatusWorker::Set(
    v1::SetCommitStatusRequest request, absl::Time deadline) {
  const v1::StatusIntent& intent = request.intent();
  if (intent.repository_id().empty()) {
    co_return absl::InvalidArgumentError(
        "intent.repository_id: must not be empty");
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      Job job, Prepare(intent.provider(), intent.repository_id(), intent.sha(),
                       deadline));
  const absl::StatusOr<SetStatusResult> result = co_await SetStatus(
      *job.forge, job.call, intent, request.known_different());
  Learn(job, result.status());
  if (!result.ok()) co_return result.status();
  v1::SetCommitStatusResponse response;
  response.set_written(result->written);
  response.set_forge_id(result->forge_id);
  if (const auto& limit = job.call.rate_limit()) {
    response.mutable_rate_limit()->set_limit(limit->limit);
    response.mutable_rate_limit()->set_remaining(limit->remaining);
    *response.mutable_rate_limit()->mutable_resets_at() =
        ToProto(limit->resets_at);
  }
  co_return response;
}

asio::awaitable<absl::StatusOr<v1::ListCommitStatusesResponse>>
StatusWorker::List(v1::ListCommitStatusesRequest request, absl::Time deadline) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      Job job, Prepare(request.provider(), request.repository_id(),
                       request.sha(), deadline));
  const absl::StatusOr<std::vector<ForgeStatus>> statuses =
      co_await job.forge->List(job.call, request.sha());
  Learn(job, statuses.status());
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
      *proto.mutable_updated_at() = ToProto(*status.updated_at);
    }
    proto.set_forge_id(status.id);
  }
  co_return response;
}

}  // namespace lamplighter::provider
