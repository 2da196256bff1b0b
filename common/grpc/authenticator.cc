#include "common/grpc/authenticator.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/secret.h"
#include "common/log/log.h"
#include "common/status/macros.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/security/auth_context.h"
#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace lamplighter {
namespace {

constexpr absl::Duration kReadInterval = absl::Seconds(2);
constexpr absl::string_view kScheme = "Bearer ";
constexpr size_t kMinToken = 16;

std::string Hash(absl::string_view token) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

// Its hash, so that it goes no further.
absl::StatusOr<std::string> ReadToken(const Authenticator::Token& token) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string secret,
                               ReadSecret(token.file, token.env));
  const bool is_printable =
      std::all_of(secret.begin(), secret.end(), absl::ascii_isgraph);
  if (secret.size() < kMinToken || !is_printable) {
    return absl::InvalidArgumentError(absl::StrCat(
        token.file, token.env,
        ": a token is 16 or more printable characters without spaces, e.g. of "
        "openssl rand -hex 32"));
  }
  return Hash(secret);
}

prometheus::Counter& Rejected(Metrics& metrics, const std::string& service,
                              const char* reason) {
  return metrics
      .AddCounters(
          absl::StrCat("lamplighter_", service, "_grpc_rejected_total"),
          "Calls refused for who made them, by why.")
      .Add({{"reason", reason}});
}

bool Has(const Authenticator::Client& client, absl::string_view scope) {
  return std::any_of(client.scopes.begin(), client.scopes.end(),
                     [scope](const std::string& granted) {
                       return granted == "*" || granted == scope;
                     });
}

}  // namespace

CallProof ProofOf(const grpc::CallbackServerContext& context) {
  CallProof proof;
  const auto& metadata = context.client_metadata();
  if (const auto it = metadata.find("authorization"); it != metadata.end()) {
    proof.authorization = std::string(it->second.data(), it->second.size());
  }
  // A certificate that was not verified does not come so far.
  if (const auto peer = context.auth_context();
      peer != nullptr && peer->IsPeerAuthenticated()) {
    for (const char* property :
         {GRPC_PEER_DNS_PROPERTY_NAME, GRPC_PEER_URI_PROPERTY_NAME,
          GRPC_X509_CN_PROPERTY_NAME}) {
      for (const grpc::string_ref& name : peer->FindPropertyValues(property)) {
        proof.certificate_names.emplace_back(name.data(), name.size());
      }
    }
  }
  proof.peer = context.peer();
  return proof;
}

Authenticator::Authenticator(const Options& options, const Clock& clock,
                             Metrics& metrics)
    : options_(options),
      clock_(clock),
      unauthenticated_(Rejected(metrics, options.service, "unauthenticated")),
      denied_(Rejected(metrics, options.service, "permission_denied")),
      read_at_(clock.MonotonicNow()) {}

absl::StatusOr<std::unique_ptr<Authenticator>> Authenticator::Create(
    const Options& options, const Clock& clock, Metrics& metrics) {
  auto made = std::unique_ptr<Authenticator>(
      new Authenticator(options, clock, metrics));
  LAMPLIGHTER_RETURN_IF_ERROR(made->ReadTokens());
  std::map<std::string, const std::string*> owners;
  for (const Client& client : made->options_.clients) {
    for (const Token& token : client.tokens) {
      const auto [it, is_new] =
          owners.emplace(made->hashes_.at(&token), &client.name);
      if (!is_new && *it->second != client.name) {
        return absl::InvalidArgumentError(absl::StrCat("clients ", *it->second,
                                                       " and ", client.name,
                                                       " have the same token"));
      }
    }
  }
  return made;
}

absl::Status Authenticator::ReadTokens() {
  absl::Status status;
  for (const Client& client : options_.clients) {
    for (const Token& token : client.tokens) {
      absl::StatusOr<std::string> hash = ReadToken(token);
      if (hash.ok()) {
        hashes_[&token] = *std::move(hash);
      } else {
        status.Update(hash.status());
      }
    }
  }
  return status;
}

absl::StatusOr<std::string> Authenticator::Authorize(const CallProof& proof,
                                                     absl::string_view scope) {
  if (options_.clients.empty()) return std::string(kAnybody);
  if (const absl::Duration now = clock_.MonotonicNow();
      now - read_at_ >= kReadInterval) {
    read_at_ = now;
    if (const absl::Status status = ReadTokens(); !status.ok()) {
      LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "token not read again")
          .With("error", status.message());
    }
  }
  const absl::StatusOr<const Client*> client = Identify(proof);
  if (!client.ok()) {
    unauthenticated_.Increment();
    LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "call by nobody that is known")
        .With("peer", proof.peer)
        .With("scope", scope)
        .With("error", client.status().message());
    return client.status();
  }
  if (Has(**client, scope)) return (*client)->name;
  denied_.Increment();
  LAMPLIGHTER_LOG_EVERY_SECOND(kWarning, "call without the scope for it")
      .With("client", (*client)->name)
      .With("scope", scope);
  return absl::PermissionDeniedError(
      absl::StrCat("client ", (*client)->name, " lacks scope ", scope,
                   ": add it to the client's scopes in the configuration"));
}

absl::StatusOr<const Authenticator::Client*> Authenticator::Identify(
    const CallProof& proof) const {
  // A token that is sent is meant to be the proof; a wrong one is not made up
  // for by a certificate.
  if (proof.authorization.has_value()) {
    return FindByToken(*proof.authorization);
  }
  if (!proof.certificate_names.empty()) {
    return FindByCertificate(proof.certificate_names);
  }
  return absl::UnauthenticatedError(
      "the call does not say who makes it: send a token as metadata "
      "`authorization: Bearer TOKEN`, or use a client certificate");
}

absl::StatusOr<const Authenticator::Client*> Authenticator::FindByToken(
    absl::string_view header) const {
  if (!absl::StartsWithIgnoreCase(header, kScheme)) {
    return absl::UnauthenticatedError(
        "metadata authorization is not `Bearer TOKEN`");
  }
  const std::string given = Hash(header.substr(kScheme.size()));
  const Client* found = nullptr;
  // Each is looked at, whichever matches.
  for (const Client& client : options_.clients) {
    for (const Token& token : client.tokens) {
      const std::string& known = hashes_.at(&token);
      if (CRYPTO_memcmp(known.data(), given.data(), given.size()) == 0) {
        found = &client;
      }
    }
  }
  if (found != nullptr) return found;
  return absl::UnauthenticatedError(
      "the token is not known: compare it with the client's token_files");
}

absl::StatusOr<const Authenticator::Client*> Authenticator::FindByCertificate(
    const std::vector<std::string>& names) const {
  for (const Client& client : options_.clients) {
    if (!client.certificate_name.empty() &&
        std::find(names.begin(), names.end(), client.certificate_name) !=
            names.end()) {
      return &client;
    }
  }
  return absl::UnauthenticatedError(absl::StrCat(
      "no client has the client certificate's name as certificate_name; it "
      "holds ",
      absl::StrJoin(names, ", ")));
}

}  // namespace lamplighter
