#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/http_client.h"
#include "common/manifests/manifest_source.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forges/forge.h"
#include "services/provider/metrics.h"
#include "services/provider/rate_limits.h"

namespace lamplighter::provider {

// Does what ProviderService promises, errors included: finds the Provider and
// its credential, keeps to what the forge allows, and has the forge's class do
// the rest. One per process, on the loop only.
class StatusWorker {
 public:
  struct Options {
    std::vector<std::string> types;  // of Provider to serve; empty for all
    absl::Duration forge_timeout = absl::Seconds(15);  // of one request
  };

  // InvalidArgument for a type that there is no forge for. The rest must
  // outlive the worker.
  static absl::StatusOr<std::unique_ptr<StatusWorker>> Create(
      const Options& options, const ManifestSource& manifests, HttpClient& http,
      const Clock& clock, Metrics& metrics);

  boost::asio::awaitable<absl::StatusOr<v1::SetCommitStatusResponse>> Set(
      v1::SetCommitStatusRequest request, absl::Time deadline);

  boost::asio::awaitable<absl::StatusOr<v1::ListCommitStatusesResponse>> List(
      v1::ListCommitStatusesRequest request, absl::Time deadline);

 private:
  // A request that may be made, and with what.
  struct Job {
    Forge* forge;
    std::string credential_key;  // for RateLimits
    ForgeCall call;
  };

  StatusWorker(const Options& options, const ManifestSource& manifests,
               HttpClient& http, const Clock& clock, Metrics& metrics);

  absl::StatusOr<Job> Prepare(const v1::ProviderRef& ref,
                              const std::string& repository_id,
                              const std::string& sha, absl::Time deadline);

  // Keeps in mind what the forge said about the credential. `status` is what
  // the job came to.
  void Learn(const Job& job, const absl::Status& status);

  const absl::Duration forge_timeout_;
  const ManifestSource& manifests_;
  HttpClient& http_;
  const Clock& clock_;
  ProviderMetrics metrics_;
  RateLimits rate_limits_;
  absl::flat_hash_map<std::string, std::unique_ptr<Forge>> forges_;
};

}  // namespace lamplighter::provider
