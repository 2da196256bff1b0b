#include "common/grpc/grpc_client_tls.h"

#include "common/grpc/tls_files.h"
#include "common/status/macros.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace lamplighter {

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>>
MakeGrpcChannelCredentials(const GrpcClientTls& tls) {
  namespace experimental = grpc::experimental;
  LAMPLIGHTER_RETURN_IF_ERROR(
      CheckTlsFiles(tls.cert_file, tls.key_file, tls.ca_file));
  experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<experimental::FileWatcherCertificateProvider>(
          tls.key_file, tls.cert_file, tls.ca_file, kTlsRefreshSeconds));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  return experimental::TlsCredentials(options);
}

}  // namespace lamplighter
