#include "common/http/server_tls.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "boost/asio/buffer.hpp"
#include "boost/system/error_code.hpp"
#include "common/config/small_file.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "sys/stat.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace lamplighter {
namespace {

namespace ssl = boost::asio::ssl;
using ::boost::system::error_code;

constexpr size_t kMaxFile = 1 << 20;
constexpr absl::Duration kLookEvery = absl::Seconds(1);
// Of TLS 1.2; those of 1.3 are all good. Forward secrecy and an authenticated
// cipher, no more than that.
constexpr char kCiphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr unsigned char kHttp11[] = "\x08http/1.1";  // as ALPN writes it

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

// A client that speaks other protocols alone is told so by an alert.
int ChooseHttp11(SSL* /*ssl*/, const unsigned char** chosen,
                 unsigned char* chosen_size, const unsigned char* offered,
                 unsigned int offered_size, void* /*unused*/) {
  unsigned char* choice = nullptr;
  const int result =
      SSL_select_next_proto(&choice, chosen_size, kHttp11, sizeof(kHttp11) - 1,
                            offered, offered_size);
  *chosen = choice;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK
                                          : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The terminal must not be asked for the password of a key that has one.
int NoPassword(char* /*out*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return 0;
}

absl::Status Unusable(const std::string& file, const error_code& error) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", error.message()));
}

void Harden(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, kCiphers);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_alpn_select_cb(context, &ChooseHttp11, nullptr);
  SSL_CTX_set_default_passwd_cb(context, &NoPassword);
  // Clients keep what resumes their sessions; we keep nothing.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

absl::Status AskForClientCertificates(const std::string& file,
                                      SSL_CTX* context) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string pem,
                               ReadSmallFile(file, kMaxFile));
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  int authorities = 0;
  for (;; ++authorities) {
    const Certificate authority(
        PEM_read_bio_X509(bio.get(), nullptr, &NoPassword, nullptr),
        &X509_free);
    if (authority == nullptr) break;
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
    SSL_CTX_add_client_CA(context, authority.get());
  }
  const bool at_end =
      ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (authorities == 0 || !at_end) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": must hold certificates in PEM, and does not"));
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  // A session that is resumed is one whose certificate was looked at before,
  // and would be good beyond its end.
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  return absl::OkStatus();
}

absl::Status UseCertificate(const ServerTls::Files& files,
                            ssl::context& context) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string cert,
                               ReadSmallFile(files.cert, kMaxFile));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string key,
                               ReadSmallFile(files.key, kMaxFile));
  error_code error;
  context.use_certificate_chain(boost::asio::buffer(cert), error);
  if (error) return Unusable(files.cert, error);
  // Says so where the key is not the certificate's.
  context.use_private_key(boost::asio::buffer(key), ssl::context::pem, error);
  if (error) return Unusable(files.key, error);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<ssl::context>> MakeContext(
    const ServerTls::Files& files) {
  std::shared_ptr<ssl::context> context;
  try {
    context = std::make_shared<ssl::context>(ssl::context::tls_server);
  } catch (const std::exception& exception) {
    return absl::InternalError(absl::StrCat("OpenSSL: ", exception.what()));
  }
  Harden(context->native_handle());
  LAMPLIGHTER_RETURN_IF_ERROR(UseCertificate(files, *context));
  if (!files.client_ca.empty()) {
    LAMPLIGHTER_RETURN_IF_ERROR(
        AskForClientCertificates(files.client_ca, context->native_handle()));
  }
  return context;
}

std::string Text(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

void AppendAlternativeNames(const X509* certificate,
                            std::vector<std::string>& names) {
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
          certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type == GEN_DNS) names.push_back(Text(name->d.dNSName));
    if (name->type == GEN_URI) {
      names.push_back(Text(name->d.uniformResourceIdentifier));
    }
  }
}

void AppendCommonNames(const X509* certificate,
                       std::vector<std::string>& names) {
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  for (int i = -1;;) {
    i = X509_NAME_get_index_by_NID(subject, NID_commonName, i);
    if (i < 0) return;
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(
        &utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
    if (size < 0) continue;
    names.emplace_back(reinterpret_cast<const char*>(utf8), size);
    OPENSSL_free(utf8);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerTls>> ServerTls::Create(
    Files files, const Clock& clock) {
  std::unique_ptr<ServerTls> tls(new ServerTls(std::move(files), clock));
  LAMPLIGHTER_RETURN_IF_ERROR(tls->Load());
  return tls;
}

std::string ServerTls::Stamp() const {
  std::string stamp;
  for (const std::string& file : {files_.cert, files_.key, files_.client_ca}) {
    struct stat status{};
    if (stat(file.c_str(), &status) != 0) continue;
    absl::StrAppend(&stamp, file, "|", status.st_ino, "|", status.st_size, "|",
                    status.st_mtim.tv_sec, ".", status.st_mtim.tv_nsec, "|");
  }
  return stamp;
}

absl::Status ServerTls::Load() {
  looked_ = clock_.MonotonicNow();
  stamp_ = Stamp();  // before they are read: what is written then counts as new
  LAMPLIGHTER_ASSIGN_OR_RETURN(context_, MakeContext(files_));
  return absl::OkStatus();
}

std::shared_ptr<ssl::context> ServerTls::Context() {
  if (clock_.MonotonicNow() - looked_ < kLookEvery) return context_;
  looked_ = clock_.MonotonicNow();
  if (Stamp() == stamp_) return context_;
  if (const absl::Status loaded = Load(); loaded.ok()) {
    LAMPLIGHTER_LOG(kInfo, "certificate read again").With("file", files_.cert);
  } else {
    LAMPLIGHTER_LOG(kError,
                    "certificate not read again: the one before stays in force")
        .With("error", loaded);
  }
  return context_;
}

std::vector<std::string> ClientCertificateNames(SSL* ssl) {
  std::vector<std::string> names;
  const Certificate certificate(SSL_get1_peer_certificate(ssl), &X509_free);
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) {
    return names;
  }
  AppendAlternativeNames(certificate.get(), names);
  AppendCommonNames(certificate.get(), names);
  return names;
}

}  // namespace lamplighter
