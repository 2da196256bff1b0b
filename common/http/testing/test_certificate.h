#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace lamplighter {

// A certificate and its key.
struct TestCertificate {
  std::string certificate_pem;
  std::string key_pem;
};

namespace test_certificate_internal {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

inline Key MakeKey() { return {EVP_EC_gen("P-256"), &EVP_PKEY_free}; }

inline void Extend(X509* x509, int nid, const std::string& value) {
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  X509_add_ext(x509, extension, -1);
  X509_EXTENSION_free(extension);
}

// Not signed yet, and its own issuer.
inline Certificate MakeUnsigned(EVP_PKEY* key, const std::string& common_name) {
  static int64_t serial = 0;
  Certificate x509(X509_new(), &X509_free);
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(x509.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_set_pubkey(x509.get(), key);
  X509_NAME* name = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(x509.get(), name);
  return x509;
}

// What `write` writes.
template <typename Write>
std::string Pem(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()),
                                                      &BIO_free);
  write(bio.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);  // NOLINT: OpenSSL's
  return {data, static_cast<size_t>(size)};
}

inline TestCertificate ToPem(X509* x509, EVP_PKEY* key) {
  return {Pem([x509](BIO* bio) { PEM_write_bio_X509(bio, x509); }),
          Pem([key](BIO* bio) {
            PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr,
                                     nullptr);
          })};
}

}  // namespace test_certificate_internal

// One for 127.0.0.1 that is its own authority.
inline TestCertificate MakeTestCertificate(
    const std::string& common_name = "lamplighter test") {
  namespace internal = test_certificate_internal;
  const internal::Key key = internal::MakeKey();
  const internal::Certificate x509 =
      internal::MakeUnsigned(key.get(), common_name);
  internal::Extend(x509.get(), NID_subject_alt_name, "IP:127.0.0.1");
  internal::Extend(x509.get(), NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(x509.get(), key.get(), EVP_sha256());
  return internal::ToPem(x509.get(), key.get());
}

// Somebody who signs certificates.
class TestAuthority {
 public:
  TestAuthority() {
    test_certificate_internal::Extend(x509_.get(), NID_basic_constraints,
                                      "critical,CA:TRUE");
    X509_sign(x509_.get(), key_.get(), EVP_sha256());
  }

  std::string certificate_pem() const {
    return test_certificate_internal::ToPem(x509_.get(), key_.get())
        .certificate_pem;
  }

  // `alternative_names` as OpenSSL writes them, "DNS:a.example,URI:b:c"; may be
  // empty.
  TestCertificate Issue(const std::string& common_name,
                        const std::string& alternative_names = "") const {
    namespace internal = test_certificate_internal;
    const internal::Key key = internal::MakeKey();
    const internal::Certificate x509 =
        internal::MakeUnsigned(key.get(), common_name);
    X509_set_issuer_name(x509.get(), X509_get_subject_name(x509_.get()));
    if (!alternative_names.empty()) {
      internal::Extend(x509.get(), NID_subject_alt_name, alternative_names);
    }
    X509_sign(x509.get(), key_.get(), EVP_sha256());
    return internal::ToPem(x509.get(), key.get());
  }

 private:
  const test_certificate_internal::Key key_ =
      test_certificate_internal::MakeKey();
  const test_certificate_internal::Certificate x509_ =
      test_certificate_internal::MakeUnsigned(key_.get(), "test authority");
};

}  // namespace lamplighter
