#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/http_client.h"
#include "common/kubernetes/cluster_config.h"
#include "common/kubernetes/credentials.h"
#include "common/kubernetes/line_splitter.h"

namespace lamplighter {

// Reads from a Kubernetes API server. It never writes. On the loop only.
//
// What the server refuses comes with the server's own words, as
//   Unauthenticated     401: the token or certificate is not valid;
//   PermissionDenied    403: RBAC;
//   NotFound            404: no such object, or no such resource;
//   FailedPrecondition  410: the resourceVersion or continuation is too old;
//   ResourceExhausted   429;
//   Unavailable         5xx;
//   InvalidArgument     any other status;
// what does not reach it, as HttpClient says.
class KubernetesClient {
 public:
  struct Options {
    absl::Duration timeout = absl::Seconds(30);  // of what is no watch
    // A larger answer is OutOfRange.
    size_t max_response = 16 << 20;
    // A longer line of a watch is DataLoss. etcd keeps no object beyond 1.5
    // MiB.
    size_t max_line = 4 << 20;
  };

  // `http` must outlive it. NotFound or InvalidArgument for files of `config`
  // that cannot be read.
  static absl::StatusOr<std::unique_ptr<KubernetesClient>> Create(
      const Options& options, const ClusterConfig& config, HttpClient& http);

  // The body of what is at `path`, from the slash on, in the media type
  // `accept`.
  boost::asio::awaitable<absl::StatusOr<std::string>> Get(
      std::string path, std::string accept = "application/json");

  // Gives each line of what is at `path` to `on_line` until the server ends it,
  // which is OK, `on_line` returns an error, which is returned, or `limit` is
  // over, DeadlineExceeded, as is a connection that broke. `on_line` runs
  // within the HttpClient: it must not ask for more.
  boost::asio::awaitable<absl::Status> Watch(std::string path,
                                             absl::Duration limit,
                                             LineSplitter::OnLine on_line);

  // The first of `versions` in which the API group `group` serves `resource`.
  // NotFound if it does in none, in words for whoever runs the cluster.
  boost::asio::awaitable<absl::StatusOr<std::string>> ServedVersion(
      std::string group, std::string resource,
      std::vector<std::string> versions);

 private:
  KubernetesClient(const Options& options, std::string server,
                   ClusterCredentials credentials, HttpClient& http)
      : options_(options),
        server_(std::move(server)),
        credentials_(std::move(credentials)),
        http_(http) {}

  HttpCall MakeCall(absl::string_view path, std::string accept);

  const Options options_;
  const std::string server_;
  ClusterCredentials credentials_;
  HttpClient& http_;
};

}  // namespace lamplighter
