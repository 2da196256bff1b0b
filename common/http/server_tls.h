#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/ssl/context.hpp"
#include "common/time/clock.h"

namespace lamplighter {

// A server's side of TLS, 1.2 or later, for HTTP/1.1: its certificate, and whom
// it takes client certificates from. On the loop only.
class ServerTls {
 public:
  // PEM files.
  struct Files {
    std::string cert;  // the certificate, and those that it was signed with
    std::string key;
    // The authorities of client certificates. With it clients are asked for
    // one: it may be missing, but one that is there must be good. Empty: they
    // are not asked.
    std::string client_ca;
  };

  // Reads the files. InvalidArgument or NotFound, naming the file, if one
  // cannot be used. `clock` must outlive this.
  static absl::StatusOr<std::unique_ptr<ServerTls>> Create(
      Files files, const Clock& clock = Clock::System());

  // What a new connection takes. At most once a second this looks whether files
  // have changed, and reads them again; what cannot be used is logged once, and
  // the last that could stays in force. Connections outlive a change.
  std::shared_ptr<boost::asio::ssl::context> Context();

 private:
  ServerTls(Files files, const Clock& clock)
      : files_(std::move(files)), clock_(clock) {}
  // Changes when one of the files does.
  std::string Stamp() const;
  absl::Status Load();

  const Files files_;
  const Clock& clock_;
  absl::Duration looked_ = -absl::InfiniteDuration();
  std::string stamp_;  // of what was read last, whether it could be used or not
  // Shared with the connections that were made with it.
  std::shared_ptr<boost::asio::ssl::context> context_;
};

// The names in the client's certificate, as they stand there: DNS names and
// URIs of the subject's alternative names, and its common names. Empty without
// a certificate that was verified.
std::vector<std::string> ClientCertificateNames(SSL* ssl);

}  // namespace lamplighter
