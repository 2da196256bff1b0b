#include "common/grpc/grpc_server_tls.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace lamplighter {
namespace {

constexpr unsigned int kRefreshSeconds = 2;

// gRPC would only log what is wrong with the files, and refuse connections.
absl::Status Check(const GrpcServerTls& tls) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
      SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (context == nullptr) return absl::InternalError("OpenSSL has no TLS");
  absl::Status status;
  if (SSL_CTX_use_certificate_chain_file(context.get(),
                                         tls.cert_file.c_str()) != 1) {
    status = absl::InvalidArgumentError(
        absl::StrCat(tls.cert_file, ": holds no certificate in PEM"));
  } else if (SSL_CTX_use_PrivateKey_file(context.get(), tls.key_file.c_str(),
                                         SSL_FILETYPE_PEM) != 1) {
    status = absl::InvalidArgumentError(absl::StrCat(
        tls.key_file, ": holds no key in PEM that belongs to ", tls.cert_file));
  } else if (!tls.client_ca_file.empty() &&
             SSL_CTX_load_verify_locations(
                 context.get(), tls.client_ca_file.c_str(), nullptr) != 1) {
    status = absl::InvalidArgumentError(
        absl::StrCat(tls.client_ca_file, ": holds no certificate in PEM"));
  }
  ERR_clear_error();
  return status;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>>
MakeGrpcServerCredentials(const GrpcServerTls& tls) {
  namespace experimental = grpc::experimental;
  LAMPLIGHTER_RETURN_IF_ERROR(Check(tls));
  experimental::TlsServerCredentialsOptions options(
      std::make_shared<experimental::FileWatcherCertificateProvider>(
          tls.key_file, tls.cert_file, tls.client_ca_file, kRefreshSeconds));
  options.watch_identity_key_cert_pairs();
  if (!tls.client_ca_file.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(
        GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return experimental::TlsServerCredentials(options);
}

}  // namespace lamplighter
