#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace lamplighter {

// A text that stands in the configuration itself or in a file that may change.
struct TextOrFile {
  std::string text;
  std::string file;  // goes before `text`

  bool empty() const { return text.empty() && file.empty(); }
};

// Where a Kubernetes API server is, and what proves who asks.
struct ClusterConfig {
  std::string server;  // https://host:port[/path], with no slash at the end
  TextOrFile ca;       // PEM; the system's authorities if empty
  TextOrFile client_cert;
  TextOrFile client_key;
  TextOrFile token;
  std::string proxy;
  bool skip_verification = false;
};

// Where a pod finds its service account.
inline constexpr char kServiceAccountDirectory[] =
    "/var/run/secrets/kubernetes.io/serviceaccount";

// The cluster that this process runs in, as its service account. The files are
// not read yet. FailedPrecondition outside a cluster.
absl::StatusOr<ClusterConfig> InClusterConfig(
    const std::string& directory = kServiceAccountDirectory);

struct KubeconfigOptions {
  std::string path;
  std::string context;  // its current-context if empty
  // Goes along with insecure-skip-tls-verify, and with a server without TLS
  // that is not on loopback.
  bool allow_insecure = false;
};

// The cluster and user of a kubeconfig. NotFound if there is no such file;
// InvalidArgument, which names file, object and remedy, for what is missing,
// wrong, or beyond what can be done here: exec plugins and passwords. No
// message holds a secret.
absl::StatusOr<ClusterConfig> LoadKubeconfig(const KubeconfigOptions& options);

}  // namespace lamplighter
