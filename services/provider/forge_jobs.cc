#include "services/provider/forge_jobs.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/forge/forge_location.h"
#include "common/grpc/retry_info.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include "services/provider/credentials.h"
#include "services/provider/forges/forges.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

// For callers that set no deadline.
constexpr absl::Duration kLongestOperation = absl::Minutes(1);
// Of a credential: more than any dispatcher has under way.
constexpr size_t kMaxWaiting = 2048;
constexpr absl::Duration kBusyWait = absl::Seconds(1);

std::string NameOf(const Provider& provider) {
  return absl::StrCat(provider.namespace_, "/", provider.name);
}

// The repository that the caller means, which has to be the one that the
// Provider is for, or the account's. A caller without Secrets knows the address
// of the Provider only, where a Secret overrides it.
absl::StatusOr<ForgeLocation> Locate(const std::string& repository_id,
                                     const Provider& provider,
                                     const Access& access) {
  if (provider.IsAccount()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const ForgeLocation account,
                                 LocateAccount(provider.type, access.address));
    return LocateInAccount(account, repository_id);
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      ForgeLocation location,
      LocateRepository(provider.type, access.address, provider.ForgeUrl()));
  const std::string own = RepositoryId(location);
  if (repository_id == own || repository_id.empty()) return location;
  const auto stated =
      RepositoryId(provider.type, provider.address, provider.ForgeUrl());
  if (stated.ok() && repository_id == *stated) return location;
  return absl::InvalidArgumentError(absl::StrCat(
      "repository_id: provider ", NameOf(provider), " is for ", own));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ForgeJobs>> ForgeJobs::Create(
    const Options& options, const Sources& sources, HttpClient& http,
    const Clock& clock, Metrics& metrics) {
  auto jobs = std::unique_ptr<ForgeJobs>(
      new ForgeJobs(options, sources, http, clock, metrics));
  const auto is_wanted = [&](absl::string_view type) {
    return options.types.empty() || absl::c_linear_search(options.types, type);
  };
  for (const ForgeFactory& factory : AllForges()) {
    if (!is_wanted(factory.provider_type)) continue;
    jobs->forges_.emplace(factory.provider_type, factory.make());
  }
  for (const std::string& type : options.types) {
    if (jobs->forges_.contains(type)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "there is no provider type ", type, "; those there are: ",
        absl::StrJoin(AllForges(), ", ",
                      [](std::string* out, const ForgeFactory& factory) {
                        absl::StrAppend(out, factory.provider_type);
                      })));
  }
  return jobs;
}

ForgeJobs::ForgeJobs(const Options& options, const Sources& sources,
                     HttpClient& http, const Clock& clock, Metrics& metrics)
    : options_(options),
      sources_(sources),
      http_(http),
      clock_(clock),
      metrics_(metrics),
      rate_limits_(clock),
      turns_(options.max_requests_per_credential, kMaxWaiting) {}

const Forge* ForgeJobs::FindForge(const std::string& type) const {
  const auto it = forges_.find(type);
  return it == forges_.end() ? nullptr : it->second.get();
}

absl::StatusOr<Connection> ForgeJobs::FindConnection(
    const std::string& name) const {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Connection* connection,
                               sources_.connections.Find(name));
  return *connection;
}

absl::StatusOr<Connection> ForgeJobs::ConnectionOf(
    const v1::Account& account) const {
  if (account.has_connection()) return FindConnection(account.connection());
  if (!account.has_sealed_connection()) {
    return absl::InvalidArgumentError(
        "account: must name a provider or a connection");
  }
  if (sources_.sealed == nullptr) {
    return absl::FailedPreconditionError(
        "sealed_connection: this worker opens none");
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::shared_ptr<const Connection> connection,
      sources_.sealed->Open(account.sealed_connection()));
  return *connection;
}

std::vector<v1::ConnectionInfo> ForgeJobs::DescribeConnections() const {
  std::vector<v1::ConnectionInfo> infos;
  for (const Connection* connection : sources_.connections.All()) {
    const Forge* forge = FindForge(connection->provider.type);
    if (forge != nullptr) infos.push_back(Describe(*connection, *forge));
  }
  return infos;
}

absl::StatusOr<const Provider*> ForgeJobs::FindProvider(
    const Manifests& manifests, const v1::ProviderRef& ref) {
  const std::string name = absl::StrCat(ref.namespace_(), "/", ref.name());
  const Provider* provider =
      manifests.FindProvider(ref.namespace_(), ref.name());
  if (provider == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("provider ", name, " does not exist"));
  }
  if (!provider->suspend) return provider;
  return absl::FailedPreconditionError(
      absl::StrCat("provider ", name, " is suspended"));
}

absl::StatusOr<ForgeJobs::Plan> ForgeJobs::MakePlan(const Manifests& manifests,
                                                    const Provider& provider) {
  const auto forge = forges_.find(provider.type);
  if (forge == forges_.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("provider ", NameOf(provider), " is of type ",
                     provider.type, ", which is not served here"));
  }
  Plan plan;
  plan.forge = forge->second.get();
  plan.target.provider_type = provider.type;
  LAMPLIGHTER_ASSIGN_OR_RETURN(plan.target.access,
                               ReadAccess(manifests, provider));
  plan.target.timeout = provider.timeout.value_or(options_.forge_timeout);
  return plan;
}

absl::StatusOr<ForgeJobs::Plan> ForgeJobs::PlanForAccount(
    const v1::Account& account) {
  if (!account.has_provider()) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const Connection connection,
                                 ConnectionOf(account));
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        Plan plan, MakePlan(*connection.manifests, connection.provider));
    plan.target.location = connection.location;
    return plan;
  }
  const std::shared_ptr<const Manifests> manifests =
      sources_.manifests.Current();
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Provider* provider,
                               FindProvider(*manifests, account.provider()));
  LAMPLIGHTER_ASSIGN_OR_RETURN(Plan plan, MakePlan(*manifests, *provider));
  const std::string& address = plan.target.access.address;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      plan.target.location,
      provider->IsAccount()
          ? LocateAccount(provider->type, address)
          : LocateRepository(provider->type, address, provider->ForgeUrl()));
  return plan;
}

asio::awaitable<absl::StatusOr<ForgeJob>> ForgeJobs::Begin(Plan plan,
                                                           Caller caller) {
  // By forge and credential: many Providers share one Secret, and its limit.
  const Access& access = plan.target.access;
  const std::string key =
      absl::StrCat(plan.target.location.site, " ", access.fingerprint);
  const auto check_limit = [&] {
    const absl::Duration wait = rate_limits_.Remaining(key);
    if (wait <= absl::ZeroDuration()) return absl::OkStatus();
    return RateLimited(
        absl::StrCat("secret ", access.credential_name,
                     " has used up its quota at ", plan.target.location.site),
        wait);
  };
  LAMPLIGHTER_CO_RETURN_IF_ERROR(check_limit());
  const absl::Duration left =
      std::min(caller.deadline - clock_.Now(), kLongestOperation);
  plan.target.deadline = clock_.MonotonicNow() + left;
  plan.target.span = caller.span;
  absl::StatusOr<Turns::Turn> turn = co_await turns_.Take(key, left);
  if (absl::IsUnavailable(turn.status())) {
    co_return WithRetryAfter(turn.status(), kBusyWait);
  }
  if (!turn.ok()) co_return turn.status();
  // Another may have met the limit since.
  LAMPLIGHTER_CO_RETURN_IF_ERROR(check_limit());
  co_return ForgeJob{plan.forge, key,
                     ForgeCall(std::move(plan.target), http_, clock_, metrics_),
                     *std::move(turn)};
}

asio::awaitable<absl::StatusOr<ForgeJob>> ForgeJobs::OnRepository(
    v1::ProviderRef ref, std::string repository_id, Caller caller) {
  const std::shared_ptr<const Manifests> manifests =
      sources_.manifests.Current();
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Provider* provider,
                                  FindProvider(*manifests, ref));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Plan plan, MakePlan(*manifests, *provider));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      plan.target.location,
      Locate(repository_id, *provider, plan.target.access));
  co_return co_await Begin(std::move(plan), caller);
}

asio::awaitable<absl::StatusOr<ForgeJob>> ForgeJobs::OnRepository(
    const Connection& connection, std::string repository_id, Caller caller) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      Plan plan, MakePlan(*connection.manifests, connection.provider));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      plan.target.location,
      LocateInAccount(connection.location, repository_id));
  co_return co_await Begin(std::move(plan), caller);
}

asio::awaitable<absl::StatusOr<ForgeJob>> ForgeJobs::OnRepository(
    v1::Account account, std::string repository_id, Caller caller) {
  if (account.has_provider()) {
    co_return co_await OnRepository(account.provider(),
                                    std::move(repository_id), caller);
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Connection connection,
                                  ConnectionOf(account));
  co_return co_await OnRepository(connection, std::move(repository_id), caller);
}

asio::awaitable<absl::StatusOr<ForgeJob>> ForgeJobs::OnAccount(
    v1::Account account, Caller caller) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Plan plan, PlanForAccount(account));
  co_return co_await Begin(std::move(plan), caller);
}

void ForgeJobs::Finish(const ForgeJob& job, const absl::Status& status) {
  const auto& limit = job.call.rate_limit();
  if (limit) rate_limits_.Observe(job.credential_key, *limit);
  const absl::optional<absl::Duration> wait = RetryAfter(status);
  if (absl::IsResourceExhausted(status) && wait) {
    rate_limits_.Limit(job.credential_key, *wait);
    return;
  }
  if (!limit || limit->remaining > 0) return;
  const absl::Duration left = limit->resets_at - clock_.Now();
  rate_limits_.Limit(job.credential_key,
                     *RetryAfter(RateLimited("quota used up", left)));
}

absl::Status ForgeJobs::CheckReserve(const ForgeJob& job) {
  const auto quota = rate_limits_.Quota(job.credential_key);
  if (!quota) return absl::OkStatus();
  const int64_t reserve = quota->limit * options_.status_reserve_percent / 100;
  if (quota->remaining > reserve) return absl::OkStatus();
  return RateLimited(absl::StrCat("the last ", reserve, " of ", quota->limit,
                                  " requests are reserved for statuses"),
                     quota->resets_at - clock_.Now());
}

absl::StatusOr<v1::GetRateLimitsResponse> ForgeJobs::KnownLimits(
    const v1::Account& account) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Plan plan, PlanForAccount(account));
  const std::string key = absl::StrCat(plan.target.location.site, " ",
                                       plan.target.access.fingerprint);
  v1::GetRateLimitsResponse response;
  if (const auto quota = rate_limits_.Quota(key)) {
    *response.mutable_rate_limit() = ToProto(*quota);
    response.set_reserve(quota->limit * options_.status_reserve_percent / 100);
  }
  const absl::Duration wait = rate_limits_.Remaining(key);
  if (wait > absl::ZeroDuration()) {
    *response.mutable_limited_until() =
        ::lamplighter::ToProto(clock_.Now() + wait);
  }
  return response;
}

v1::RateLimit ToProto(const ForgeRateLimit& limit) {
  v1::RateLimit proto;
  proto.set_limit(limit.limit);
  proto.set_remaining(limit.remaining);
  *proto.mutable_resets_at() = ::lamplighter::ToProto(limit.resets_at);
  return proto;
}

}  // namespace lamplighter::provider
