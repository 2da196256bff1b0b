#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/http/http_client.h"
#include "common/kubernetes/cluster_config.h"

namespace lamplighter {

// What proves to an API server who asks, and what proves the server: files are
// read again when they change, as projected tokens do every hour. On the loop.
class ClusterCredentials {
 public:
  // Reads what is in files for the first time. What cannot be read, or is
  // empty: InvalidArgument or NotFound, which name the file.
  static absl::StatusOr<ClusterCredentials> Create(const ClusterConfig& config);

  // Looks whether files have changed; one that cannot be read keeps the value
  // it had. Costs four stat() at most.
  void Refresh();

  const std::string& token() const { return token_.value; }
  const std::shared_ptr<const HttpTransport>& transport() const {
    return transport_;
  }

 private:
  struct Value {
    std::string file;  // empty: never changes
    std::string stamp;
    std::string value;
  };

  explicit ClusterCredentials(const ClusterConfig& config);
  // Reads the file of `value` if it has changed; sets `changed` then.
  static absl::Status Read(Value& value, bool& changed);
  absl::Status ReadAll();

  Value ca_;
  Value client_cert_;
  Value client_key_;
  Value token_;
  const HttpTransport base_;
  std::shared_ptr<const HttpTransport> transport_;
};

}  // namespace lamplighter
