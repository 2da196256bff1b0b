#include "common/kubernetes/cluster_config.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "common/config/small_file.h"
#include "common/status/macros.h"
#include "yaml-cpp/yaml.h"

namespace lamplighter {
namespace {

constexpr size_t kMaxKubeconfig = 1 << 20;

bool IsOnLoopback(absl::string_view server) {
  for (const absl::string_view host : {"127.0.0.1", "localhost", "[::1]"}) {
    absl::string_view rest = server;
    if (absl::ConsumePrefix(&rest, "http://") &&
        absl::ConsumePrefix(&rest, host) &&
        (rest.empty() || rest[0] == ':' || rest[0] == '/')) {
      return true;
    }
  }
  return false;
}

// Reads a kubeconfig, and says which part of it is wrong. yaml-cpp's exceptions
// pass through it.
class Kubeconfig {
 public:
  Kubeconfig(const KubeconfigOptions& options, YAML::Node root)
      : options_(options), root_(std::move(root)) {}

  absl::StatusOr<ClusterConfig> Read() {
    std::string name = options_.context;
    if (name.empty()) name = Text(root_, "current-context");
    if (name.empty()) {
      return Error("current-context is not set: name a context");
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(const YAML::Node context,
                                 Find("contexts", "context", name));
    LAMPLIGHTER_RETURN_IF_ERROR(ReadCluster(Text(context, "cluster")));
    if (const std::string user = Text(context, "user"); !user.empty()) {
      LAMPLIGHTER_RETURN_IF_ERROR(ReadUser(user));
    }
    return config_;
  }

 private:
  absl::Status ReadCluster(const std::string& name) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const YAML::Node cluster,
                                 Find("clusters", "cluster", name));
    config_.server =
        std::string(absl::StripSuffix(Text(cluster, "server"), "/"));
    config_.proxy = Text(cluster, "proxy-url");
    config_.skip_verification =
        Text(cluster, "insecure-skip-tls-verify") == "true";
    const std::string where = absl::StrCat("cluster ", name, ": ");
    const bool tls = absl::StartsWith(config_.server, "https://");
    if (!tls && !absl::StartsWith(config_.server, "http://")) {
      return Error(where, "server: must be a URL like https://host:6443");
    }
    if (config_.skip_verification && !options_.allow_insecure) {
      return Error(where,
                   "insecure-skip-tls-verify: whoever answers would get the "
                   "token: give a certificate-authority, or set "
                   "allow_insecure");
    }
    if (!tls && !IsOnLoopback(config_.server) && !options_.allow_insecure) {
      return Error(where,
                   "server: without TLS the token could be read on the way: "
                   "use https, or set allow_insecure");
    }
    if (!Text(cluster, "tls-server-name").empty()) {
      return Error(where,
                   "tls-server-name: not supported: use a server name "
                   "that its certificate has");
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        config_.ca, DataOrFile(cluster, "certificate-authority", where));
    return absl::OkStatus();
  }

  absl::Status ReadUser(const std::string& name) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(const YAML::Node user,
                                 Find("users", "user", name));
    const std::string where = absl::StrCat("user ", name, ": ");
    for (const char* plugin : {"exec", "auth-provider"}) {
      if (user.IsMap() && user[plugin].IsDefined()) {
        return Error(where, plugin,
                     ": plugins are not run here: give the user a token (of a "
                     "service account, say) or a client certificate");
      }
    }
    if (!Text(user, "username").empty()) {
      return Error(where,
                   "username: API servers take no passwords: give the user a "
                   "token or a client certificate");
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(config_.client_cert,
                                 DataOrFile(user, "client-certificate", where));
    LAMPLIGHTER_ASSIGN_OR_RETURN(config_.client_key,
                                 DataOrFile(user, "client-key", where));
    if (config_.client_cert.empty() != config_.client_key.empty()) {
      return Error(where,
                   "client-certificate and client-key: one without the "
                   "other is of no use");
    }
    config_.token = {.text = Text(user, "token"),
                     .file = Path(Text(user, "tokenFile"))};
    return absl::OkStatus();
  }

  // KEY-data in base64, or the file that KEY names.
  absl::StatusOr<TextOrFile> DataOrFile(const YAML::Node& parent,
                                        const std::string& key,
                                        const std::string& where) {
    TextOrFile value;
    const std::string data = absl::StrCat(key, "-data");
    if (const std::string encoded = Text(parent, data); encoded.empty()) {
      value.file = Path(Text(parent, key));
    } else if (!absl::Base64Unescape(encoded, &value.text)) {
      return Error(where, data, ": must be base64");
    }
    return value;
  }

  // The node `part` of the entry `name` in the list `list`.
  absl::StatusOr<YAML::Node> Find(const char* list, const char* part,
                                  const std::string& name) {
    const YAML::Node entries = root_[list];
    if (entries.IsDefined() && entries.IsSequence()) {
      for (const YAML::Node& entry : entries) {
        if (Text(entry, "name") == name) return entry[part];
      }
    }
    return Error(list, ": there is none of name \"", name, "\"");
  }

  static std::string Text(const YAML::Node& parent, const std::string& key) {
    if (!parent.IsDefined() || !parent.IsMap()) return "";
    const YAML::Node node = parent[key];
    return node.IsDefined() && node.IsScalar() ? node.Scalar() : "";
  }

  // Paths are relative to the kubeconfig.
  std::string Path(const std::string& path) const {
    if (path.empty()) return "";
    return std::filesystem::path(options_.path).parent_path() / path;
  }

  template <typename... Parts>
  absl::Status Error(const Parts&... parts) const {
    return absl::InvalidArgumentError(
        absl::StrCat(options_.path, ": ", parts...));
  }

  const KubeconfigOptions& options_;
  const YAML::Node root_;
  ClusterConfig config_;
};

}  // namespace

absl::StatusOr<ClusterConfig> InClusterConfig(const std::string& directory) {
  // The kubelet sets both in every container.
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr) {
    return absl::FailedPreconditionError(
        "this is no pod of a cluster (KUBERNETES_SERVICE_HOST is not set): "
        "name a kubeconfig");
  }
  const bool is_ipv6 = absl::StrContains(host, ':');
  ClusterConfig config;
  config.server = is_ipv6 ? absl::StrCat("https://[", host, "]:", port)
                          : absl::StrCat("https://", host, ":", port);
  config.ca.file = absl::StrCat(directory, "/ca.crt");
  config.token.file = absl::StrCat(directory, "/token");
  return config;
}

absl::StatusOr<ClusterConfig> LoadKubeconfig(const KubeconfigOptions& options) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string text,
                               ReadSmallFile(options.path, kMaxKubeconfig));
  try {  // yaml-cpp throws
    return Kubeconfig(options, YAML::Load(text)).Read();
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(
        options.path, ":", error.mark.line + 1, ": not YAML: ", error.msg));
  }
}

}  // namespace lamplighter
