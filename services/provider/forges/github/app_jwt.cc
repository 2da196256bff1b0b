#include "services/provider/forges/github/app_jwt.h"

#include <cstddef>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace lamplighter::provider {
namespace {

constexpr absl::Duration kBackdated = absl::Seconds(60);
// GitHub takes ten at most, by its own clock.
constexpr absl::Duration kLifetime = absl::Minutes(9);

template <auto free>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    free(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<&BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<&EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<&EVP_MD_CTX_free>>;

// Keys with a passphrase are refused, where OpenSSL would ask the terminal.
int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writing*/,
                 void* /*data*/) {
  return -1;
}

absl::StatusOr<Key> ReadKey(absl::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassphrase, nullptr));
  ERR_clear_error();
  if (key != nullptr && EVP_PKEY_is_a(key.get(), "RSA") == 1) return key;
  return absl::UnauthenticatedError(
      "githubAppPrivateKey: must be the App's private key as GitHub gives it, "
      "a PEM file that begins with -----BEGIN RSA PRIVATE KEY-----");
}

absl::StatusOr<std::string> Sign(EVP_PKEY* key, absl::string_view text) {
  const Digest digest(EVP_MD_CTX_new());
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  std::string signature;
  if (EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key) ==
          1 &&
      EVP_DigestSign(digest.get(), nullptr, &size, data, text.size()) == 1) {
    signature.resize(size);
    auto* out = reinterpret_cast<unsigned char*>(signature.data());
    if (EVP_DigestSign(digest.get(), out, &size, data, text.size()) == 1) {
      signature.resize(size);
      return signature;
    }
  }
  ERR_clear_error();
  return absl::UnauthenticatedError(
      "githubAppPrivateKey: the key cannot sign; generate a new one in the "
      "App's settings");
}

std::string Claims(absl::string_view app_id, absl::Time now) {
  boost::json::object claims;
  claims["iat"] = absl::ToUnixSeconds(now - kBackdated);
  claims["exp"] = absl::ToUnixSeconds(now + kLifetime);
  claims["iss"] = boost::json::string_view(app_id.data(), app_id.size());
  return boost::json::serialize(claims);
}

}  // namespace

absl::StatusOr<std::string> MakeAppJwt(absl::string_view app_id,
                                       absl::string_view private_key,
                                       absl::Time now) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Key key, ReadKey(private_key));
  const std::string text =
      absl::StrCat(absl::WebSafeBase64Escape(R"({"alg":"RS256","typ":"JWT"})"),
                   ".", absl::WebSafeBase64Escape(Claims(app_id, now)));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string signature,
                               Sign(key.get(), text));
  return absl::StrCat(text, ".", absl::WebSafeBase64Escape(signature));
}

}  // namespace lamplighter::provider
