#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "grpcpp/server_context.h"
#include "prometheus/counter.h"

namespace lamplighter {

// What a call says of who makes it.
struct CallProof {
  // Metadata `authorization`.
  absl::optional<std::string> authorization;
  // DNS names, URIs and common name of a client certificate that gRPC verified.
  std::vector<std::string> certificate_names;
  // The address that it comes from, for the log.
  std::string peer;
};

CallProof ProofOf(const grpc::CallbackServerContext& context);

// Says who makes a call of a gRPC server, and whether he may. On the loop only.
class Authenticator {
 public:
  // Where a bearer token is; see ReadSecret().
  struct Token {
    std::string file;
    std::string env;
  };
  // Somebody who may call: with one of the tokens, or a certificate of that
  // name.
  struct Client {
    std::string name;
    std::vector<std::string> scopes;  // "*" for all
    std::vector<Token> tokens = {};
    std::string certificate_name = {};
  };
  struct Options {
    // None: everybody may do everything, as kAnybody.
    std::vector<Client> clients;
    // Of the metric, lamplighter_SERVICE_grpc_rejected_total.
    std::string service;
  };
  static constexpr char kAnybody[] = "anybody";

  // Reads the tokens. InvalidArgument or NotFound, naming the file or variable,
  // for one that cannot be used, and for one that two clients have. `clock` and
  // `metrics` must outlive the authenticator.
  static absl::StatusOr<std::unique_ptr<Authenticator>> Create(
      const Options& options, const Clock& clock, Metrics& metrics);

  // The name of the client, who has `scope`. Errors, which are for the client,
  // are counted and logged here:
  //   Unauthenticated    no token or certificate that is known;
  //   PermissionDenied   the client has not that scope.
  // Tokens are read again every few seconds; one that cannot be read stays as
  // it was.
  absl::StatusOr<std::string> Authorize(const CallProof& proof,
                                        absl::string_view scope);

 private:
  Authenticator(const Options& options, const Clock& clock, Metrics& metrics);

  absl::Status ReadTokens();
  absl::StatusOr<const Client*> Identify(const CallProof& proof) const;
  absl::StatusOr<const Client*> FindByToken(absl::string_view header) const;
  absl::StatusOr<const Client*> FindByCertificate(
      const std::vector<std::string>& names) const;

  const Options options_;
  const Clock& clock_;
  prometheus::Counter& unauthenticated_;
  prometheus::Counter& denied_;
  absl::Duration read_at_;
  // SHA-256 of each token as it was last read, by client and its tokens. The
  // tokens themselves are not kept.
  std::map<const Token*, std::string> hashes_;
};

}  // namespace lamplighter
