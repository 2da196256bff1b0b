#include "services/ingest/verify.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

namespace lamplighter::ingest {
namespace {

struct Hash {
  const char* name;  // as signatures and OpenSSL call it
  size_t size;
};
// By HashAlgorithm.
constexpr std::array<Hash, 5> kHashes = {{{"sha1", 20},
                                          {"sha224", 28},
                                          {"sha256", 32},
                                          {"sha384", 48},
                                          {"sha512", 64}}};

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Exactly `size` bytes of hex, nothing before or after.
bool DecodeHex(absl::string_view hex, unsigned char* out, size_t size) {
  if (hex.size() != 2 * size) return false;
  for (size_t i = 0; i < size; ++i) {
    const int high = HexDigit(hex[2 * i]);
    const int low = HexDigit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return true;
}

}  // namespace

absl::StatusOr<HmacSecret> HmacSecret::Create(absl::string_view secret) {
  if (secret.empty()) return absl::InvalidArgumentError("the secret is empty");
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> hmac(
      EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr), &EVP_MAC_free);
  if (hmac == nullptr) return absl::InternalError("OpenSSL has no HMAC");
  std::array<Context, 5> contexts;
  for (size_t i = 0; i < kHashes.size(); ++i) {
    contexts[i].reset(EVP_MAC_CTX_new(hmac.get()));
    std::string name = kHashes[i].name;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
        OSSL_PARAM_construct_end()};
    if (contexts[i] == nullptr ||
        EVP_MAC_init(contexts[i].get(), Bytes(secret), secret.size(),
                     parameters) != 1) {
      return absl::InternalError(absl::StrCat("OpenSSL has no HMAC-", name));
    }
  }
  return HmacSecret(std::move(contexts));
}

bool HmacSecret::Signed(HashAlgorithm algorithm, absl::string_view body,
                        absl::string_view hex) const {
  const auto index = static_cast<size_t>(algorithm);
  const size_t size = kHashes[index].size;
  unsigned char given[EVP_MAX_MD_SIZE];
  unsigned char expected[EVP_MAX_MD_SIZE];
  size_t length = 0;
  EVP_MAC_CTX* const context = contexts_[index].get();
  // Without a key, init() begins anew with the one that the context has.
  return DecodeHex(hex, given, size) &&
         EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
         EVP_MAC_update(context, Bytes(body), body.size()) == 1 &&
         EVP_MAC_final(context, expected, &length, sizeof(expected)) == 1 &&
         length == size && CRYPTO_memcmp(expected, given, size) == 0;
}

Proof VerifyWebhook(const std::vector<HmacSecret>& secrets,
                    absl::optional<absl::string_view> signature,
                    absl::string_view prefix, absl::string_view body) {
  if (!signature.has_value() || signature->empty() || *signature == prefix) {
    return Proof::kMissing;
  }
  absl::string_view hex = *signature;
  if (!absl::ConsumePrefix(&hex, prefix)) return Proof::kWrong;
  for (const HmacSecret& secret : secrets) {
    if (secret.Signed(HashAlgorithm::kSha256, body, hex)) return Proof::kValid;
  }
  return Proof::kWrong;
}

Proof VerifyFluxHmac(const HmacSecret& secret,
                     absl::optional<absl::string_view> signature,
                     absl::string_view body) {
  if (!signature.has_value() || signature->empty()) return Proof::kMissing;
  for (size_t i = 0; i < kHashes.size(); ++i) {
    absl::string_view hex = *signature;
    if (!absl::ConsumePrefix(&hex, kHashes[i].name) ||
        !absl::ConsumePrefix(&hex, "=")) {
      continue;
    }
    if (hex.empty()) return Proof::kMissing;
    return secret.Signed(static_cast<HashAlgorithm>(i), body, hex)
               ? Proof::kValid
               : Proof::kWrong;
  }
  return Proof::kWrong;
}

Proof VerifyToken(absl::string_view expected, absl::string_view given) {
  if (given.empty()) return Proof::kMissing;
  return !expected.empty() && expected.size() == given.size() &&
                 CRYPTO_memcmp(expected.data(), given.data(), given.size()) == 0
             ? Proof::kValid
             : Proof::kWrong;
}

Proof VerifyBearer(absl::string_view expected,
                   absl::optional<absl::string_view> authorization) {
  constexpr absl::string_view kScheme = "Bearer ";
  if (!authorization.has_value() ||
      !absl::StartsWithIgnoreCase(*authorization, kScheme)) {
    return Proof::kMissing;
  }
  return VerifyToken(expected, authorization->substr(kScheme.size()));
}

}  // namespace lamplighter::ingest
