#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include <openssl/evp.h>

namespace lamplighter::ingest {

// Whether a request proved that its source sent it.
enum class Proof : uint8_t {
  kValid,
  kMissing,
  kWrong,
  kStale,  // valid, but for another time
};

enum class HashAlgorithm : uint8_t {
  kSha1,
  kSha224,
  kSha256,
  kSha384,
  kSha512
};

// A secret that bodies are signed with, made ready once so that a check costs
// little more than the hash. Not thread-safe.
class HmacSecret {
 public:
  // InvalidArgument for an empty secret, Internal if OpenSSL lacks a hash.
  static absl::StatusOr<HmacSecret> Create(absl::string_view secret);

  // The HMAC of what `parts` make when put together; empty if OpenSSL fails.
  std::string Sign(HashAlgorithm algorithm,
                   absl::Span<const absl::string_view> parts) const;

  // Whether `hex` is the HMAC of `body`. Takes the same time for every wrong
  // `hex` of the right length.
  bool Signed(HashAlgorithm algorithm, absl::string_view body,
              absl::string_view hex) const;

 private:
  struct FreeContext {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_MAC_CTX, FreeContext>;

  explicit HmacSecret(std::array<Context, 5> contexts)
      : contexts_(std::move(contexts)) {}

  std::array<Context, 5> contexts_;  // by HashAlgorithm, each holds the key
};

// A forge's signature: `prefix`, then the HMAC-SHA256 in hex. Any of `secrets`
// is good. A signature that is there but empty, as forges send for a webhook
// without a secret, is missing.
Proof VerifyWebhook(const std::vector<HmacSecret>& secrets,
                    absl::optional<absl::string_view> signature,
                    absl::string_view prefix, absl::string_view body);

// What Flux's generic-hmac Provider sends: ALGORITHM=HEX, with sha1, sha224,
// sha256, sha384 or sha512.
Proof VerifyFluxHmac(const std::vector<HmacSecret>& secrets,
                     absl::optional<absl::string_view> signature,
                     absl::string_view body);

// What Standard Webhooks have in their headers.
struct StandardWebhook {
  absl::string_view id;         // webhook-id
  absl::string_view timestamp;  // webhook-timestamp: seconds since 1970
  absl::string_view signature;  // webhook-signature
};
// How far the timestamp may be from now, so that what somebody recorded cannot
// be sent again for ever.
inline constexpr absl::Duration kWebhookTolerance = absl::Minutes(5);

// Standard Webhooks: "v1,BASE64" once or more, with spaces between, each an
// HMAC-SHA256 of id, timestamp and body. Signatures of other versions are
// skipped. Stale where one is good but the timestamp is too far from `now`.
Proof VerifyStandardWebhook(const std::vector<HmacSecret>& secrets,
                            const StandardWebhook& webhook,
                            absl::string_view body, absl::Time now);

// `given` is one of the secrets itself. An empty one is missing.
Proof VerifyToken(const std::vector<std::string>& expected,
                  absl::string_view given);

// "Bearer TOKEN", as an Authorization header says it.
Proof VerifyBearer(const std::vector<std::string>& expected,
                   absl::optional<absl::string_view> authorization);

// "Basic BASE64", as an Authorization header says it, of "user:password".
Proof VerifyBasic(const std::vector<std::string>& expected,
                  absl::optional<absl::string_view> authorization);

}  // namespace lamplighter::ingest
