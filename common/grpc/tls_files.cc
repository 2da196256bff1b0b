#include "common/grpc/tls_files.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace lamplighter {

absl::Status CheckTlsFiles(const std::string& cert_file,
                           const std::string& key_file,
                           const std::string& ca_file) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
      SSL_CTX_new(TLS_method()), &SSL_CTX_free);
  if (context == nullptr) return absl::InternalError("OpenSSL has no TLS");
  absl::Status status;
  if (SSL_CTX_use_certificate_chain_file(context.get(), cert_file.c_str()) !=
      1) {
    status = absl::InvalidArgumentError(
        absl::StrCat(cert_file, ": holds no certificate in PEM"));
  } else if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(),
                                         SSL_FILETYPE_PEM) != 1) {
    status = absl::InvalidArgumentError(absl::StrCat(
        key_file, ": holds no key in PEM that belongs to ", cert_file));
  } else if (!ca_file.empty() &&
             SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(),
                                           nullptr) != 1) {
    status = absl::InvalidArgumentError(
        absl::StrCat(ca_file, ": holds no certificate in PEM"));
  }
  ERR_clear_error();
  return status;
}

}  // namespace lamplighter
