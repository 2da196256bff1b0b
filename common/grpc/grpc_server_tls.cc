#include "common/grpc/grpc_server_tls.h"

#include <functional>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/string_view.h"
#include "common/grpc/tls_files.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace lamplighter {
namespace {

namespace experimental = grpc::experimental;

absl::string_view ToView(grpc::string_ref text) {
  return {text.data(), text.size()};
}

// Refuses the connections of certificates by other names. gRPC has verified
// them by then.
class ClientNames final : public experimental::ExternalCertificateVerifier {
 public:
  explicit ClientNames(std::vector<std::string> names)
      : names_(std::move(names)) {}

  bool Verify(experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)> /*callback*/,
              grpc::Status* sync_status) override {
    const auto may_call = [this](grpc::string_ref name) {
      return absl::c_linear_search(names_, ToView(name));
    };
    if (!may_call(request->common_name()) &&
        absl::c_none_of(request->dns_names(), may_call) &&
        absl::c_none_of(request->uri_names(), may_call)) {
      LAMPLIGHTER_LOG_EVERY_SECOND(
          kWarning, "connection refused: its certificate has no name that may")
          .With("common_name", ToView(request->common_name()));
      *sync_status = grpc::Status(grpc::StatusCode::PERMISSION_DENIED,
                                  "no name that may call");
    }
    return true;  // it is done
  }
  void Cancel(
      experimental::TlsCustomVerificationCheckRequest* /*request*/) override {}

 private:
  const std::vector<std::string> names_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>>
MakeGrpcServerCredentials(const GrpcServerTls& tls) {
  LAMPLIGHTER_RETURN_IF_ERROR(
      CheckTlsFiles(tls.cert_file, tls.key_file, tls.client_ca_file));
  experimental::TlsServerCredentialsOptions options(
      std::make_shared<experimental::FileWatcherCertificateProvider>(
          tls.key_file, tls.cert_file, tls.client_ca_file, kTlsRefreshSeconds));
  options.watch_identity_key_cert_pairs();
  if (!tls.client_ca_file.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(
        tls.requires_client
            ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
            : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  if (tls.requires_client && !tls.client_names.empty()) {
    options.set_certificate_verifier(
        experimental::ExternalCertificateVerifier::Create<ClientNames>(
            tls.client_names));
  }
  return experimental::TlsServerCredentials(options);
}

}  // namespace lamplighter
