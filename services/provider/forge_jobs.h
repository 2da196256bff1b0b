#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/http_client.h"
#include "common/manifests/manifest_source.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/connections.h"
#include "services/provider/forges/forge.h"
#include "services/provider/metrics.h"
#include "services/provider/rate_limits.h"
#include "services/provider/sealed_connections.h"
#include "services/provider/turns.h"

namespace lamplighter::provider {

// For whom an operation is done.
struct Caller {
  // Implicit, since most callers have no more than a deadline.
  Caller(absl::Time deadline,  // NOLINT(google-explicit-constructor)
         const Span* span = nullptr)
      : deadline(deadline), span(span) {}

  absl::Time deadline;
  // That the operation is part of; null where there is none. Outlives it.
  const Span* span;
};

// An operation that may be made on a forge now, and with what.
struct ForgeJob {
  Forge* forge;
  std::string credential_key;  // for RateLimits
  ForgeCall call;
  Turns::Turn turn;
};

// Finds what a request needs: the Provider or connection that it names, its
// credential, its forge, and leave to use them: neither limited by the forge
// nor used by too many at once. One per process, on the loop only.
class ForgeJobs {
 public:
  struct Options {
    std::vector<std::string> types;  // of Provider to serve; empty for all
    absl::Duration forge_timeout = absl::Seconds(15);  // of one request
    size_t max_requests_per_credential = 32;
    int64_t status_reserve_percent = 20;
  };
  // Where things are looked up; must outlive the jobs.
  struct Sources {
    const ManifestSource& manifests;
    const Connections& connections;
    // Null where none are made at run time.
    SealedConnections* sealed = nullptr;
  };

  // InvalidArgument for a type that there is no forge for. The rest must
  // outlive this.
  static absl::StatusOr<std::unique_ptr<ForgeJobs>> Create(
      const Options& options, const Sources& sources, HttpClient& http,
      const Clock& clock, Metrics& metrics);

  // Of that type; null where it is not served.
  const Forge* FindForge(const std::string& type) const;

  // NotFound where there is none of that name.
  absl::StatusOr<Connection> FindConnection(const std::string& name) const;

  // The account's; InvalidArgument for a Provider's.
  absl::StatusOr<Connection> ConnectionOf(const v1::Account& account) const;

  // What may be known of those of the configuration whose type is served.
  std::vector<v1::ConnectionInfo> DescribeConnections() const;

  // Errors of the following are those of ProviderService. A job is to be
  // finished.

  // On the Provider's own repository, which is `repository_id` if that is not
  // empty: an event never chooses where a credential goes.
  boost::asio::awaitable<absl::StatusOr<ForgeJob>> OnRepository(
      v1::ProviderRef provider, std::string repository_id, Caller caller);

  // On a repository of the connection.
  boost::asio::awaitable<absl::StatusOr<ForgeJob>> OnRepository(
      const Connection& connection, std::string repository_id, Caller caller);

  // On a repository of the account; as of the above for a Provider.
  boost::asio::awaitable<absl::StatusOr<ForgeJob>> OnRepository(
      v1::Account account, std::string repository_id, Caller caller);

  // On all that the account reaches.
  boost::asio::awaitable<absl::StatusOr<ForgeJob>> OnAccount(
      v1::Account account, Caller caller);

  // Keeps in mind what the forge said about the credential. `status` is what
  // the job came to.
  void Finish(const ForgeJob& job, const absl::Status& status);

  // ResourceExhausted if what is left of the credential's quota is reserved for
  // statuses.
  absl::Status CheckReserve(const ForgeJob& job);

  // What is known of the credential's quota. `account` needs not be free to be
  // used; makes no request.
  absl::StatusOr<v1::GetRateLimitsResponse> KnownLimits(
      const v1::Account& account);

 private:
  // Whose credential, and where.
  struct Plan {
    Forge* forge;
    ForgeCall::Target target;
    std::string credential_key;
  };

  ForgeJobs(const Options& options, const Sources& sources, HttpClient& http,
            const Clock& clock, Metrics& metrics);

  absl::StatusOr<const Provider*> FindProvider(const Manifests& manifests,
                                               const v1::ProviderRef& ref);
  // Finds all but the location.
  absl::StatusOr<Plan> MakePlan(const Manifests& manifests,
                                const Provider& provider);
  absl::StatusOr<Plan> PlanForAccount(const v1::Account& account);
  // Asks for leave.
  boost::asio::awaitable<absl::StatusOr<ForgeJob>> Begin(Plan plan,
                                                         Caller caller);

  const Options options_;
  const Sources sources_;
  HttpClient& http_;
  const Clock& clock_;
  ProviderMetrics metrics_;
  RateLimits rate_limits_;
  Turns turns_;
  absl::flat_hash_map<std::string, std::unique_ptr<Forge>> forges_;
};

// The same for answers.
v1::RateLimit ToProto(const ForgeRateLimit& limit);

}  // namespace lamplighter::provider
