#include "services/ingest/verify.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
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

Proof AnySigned(const std::vector<HmacSecret>& secrets, HashAlgorithm algorithm,
                absl::string_view body, absl::string_view hex) {
  for (const HmacSecret& secret : secrets) {
    if (secret.Signed(algorithm, body, hex)) return Proof::kValid;
  }
  return Proof::kWrong;
}

bool IsDigits(absl::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("0123456789") == absl::string_view::npos;
}

// Whether `expected` is one of the "v1,BASE64" in `signatures`.
bool HasSignature(absl::string_view signatures, absl::string_view expected) {
  std::string given;
  for (absl::string_view signature : absl::StrSplit(signatures, ' ')) {
    if (absl::ConsumePrefix(&signature, "v1,") &&
        absl::Base64Unescape(signature, &given) &&
        given.size() == expected.size() &&
        CRYPTO_memcmp(given.data(), expected.data(), given.size()) == 0) {
      return true;
    }
  }
  return false;
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

std::string HmacSecret::Sign(HashAlgorithm algorithm,
                             absl::Span<const absl::string_view> parts) const {
  EVP_MAC_CTX* const context = contexts_[static_cast<size_t>(algorithm)].get();
  // Without a key, init() begins anew with the one that the context has.
  if (EVP_MAC_init(context, nullptr, 0, nullptr) != 1) return "";
  for (const absl::string_view part : parts) {
    if (EVP_MAC_update(context, Bytes(part), part.size()) != 1) return "";
  }
  unsigned char hmac[EVP_MAX_MD_SIZE];
  size_t size = 0;
  if (EVP_MAC_final(context, hmac, &size, sizeof(hmac)) != 1) return "";
  return std::string(reinterpret_cast<const char*>(hmac), size);
}

bool HmacSecret::Signed(HashAlgorithm algorithm, absl::string_view body,
                        absl::string_view hex) const {
  const size_t size = kHashes[static_cast<size_t>(algorithm)].size;
  unsigned char given[EVP_MAX_MD_SIZE];
  if (!DecodeHex(hex, given, size)) return false;
  const std::string expected = Sign(algorithm, {body});
  return expected.size() == size &&
         CRYPTO_memcmp(expected.data(), given, size) == 0;
}

Proof VerifyWebhook(const std::vector<HmacSecret>& secrets,
                    absl::optional<absl::string_view> signature,
                    absl::string_view prefix, absl::string_view body) {
  if (!signature.has_value() || signature->empty() || *signature == prefix) {
    return Proof::kMissing;
  }
  absl::string_view hex = *signature;
  if (!absl::ConsumePrefix(&hex, prefix)) return Proof::kWrong;
  return AnySigned(secrets, HashAlgorithm::kSha256, body, hex);
}

Proof VerifyFluxHmac(const std::vector<HmacSecret>& secrets,
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
    return AnySigned(secrets, static_cast<HashAlgorithm>(i), body, hex);
  }
  return Proof::kWrong;
}

Proof VerifyStandardWebhook(const std::vector<HmacSecret>& secrets,
                            const StandardWebhook& webhook,
                            absl::string_view body, absl::Time now) {
  if (webhook.signature.empty()) return Proof::kMissing;
  int64_t seconds = 0;
  if (webhook.id.empty() || !IsDigits(webhook.timestamp) ||
      !absl::SimpleAtoi(webhook.timestamp, &seconds)) {
    return Proof::kWrong;
  }
  for (const HmacSecret& secret : secrets) {
    // Once a secret and not once a signature, of which there may be many.
    const std::string expected =
        secret.Sign(HashAlgorithm::kSha256,
                    {webhook.id, ".", webhook.timestamp, ".", body});
    if (expected.empty() || !HasSignature(webhook.signature, expected)) {
      continue;
    }
    const absl::Duration off = now - absl::FromUnixSeconds(seconds);
    return absl::AbsDuration(off) <= kWebhookTolerance ? Proof::kValid
                                                       : Proof::kStale;
  }
  return Proof::kWrong;
}

Proof VerifyToken(const std::vector<std::string>& expected,
                  absl::string_view given) {
  if (given.empty()) return Proof::kMissing;
  for (const std::string& token : expected) {
    if (token.size() == given.size() &&
        CRYPTO_memcmp(token.data(), given.data(), given.size()) == 0) {
      return Proof::kValid;
    }
  }
  return Proof::kWrong;
}

Proof VerifyBearer(const std::vector<std::string>& expected,
                   absl::optional<absl::string_view> authorization) {
  constexpr absl::string_view kScheme = "Bearer ";
  if (!authorization.has_value() ||
      !absl::StartsWithIgnoreCase(*authorization, kScheme)) {
    return Proof::kMissing;
  }
  return VerifyToken(expected, authorization->substr(kScheme.size()));
}

Proof VerifyBasic(const std::vector<std::string>& expected,
                  absl::optional<absl::string_view> authorization) {
  constexpr absl::string_view kScheme = "Basic ";
  if (!authorization.has_value() ||
      !absl::StartsWithIgnoreCase(*authorization, kScheme)) {
    return Proof::kMissing;
  }
  std::string given;
  if (!absl::Base64Unescape(authorization->substr(kScheme.size()), &given)) {
    return Proof::kWrong;
  }
  return VerifyToken(expected, given);
}

}  // namespace lamplighter::ingest
