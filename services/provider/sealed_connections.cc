#include "services/provider/sealed_connections.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include <openssl/sha.h>

namespace lamplighter::provider {
namespace {

// A connection has keys and certificates at most.
constexpr size_t kMaxSealed = 1 << 20;

std::string Hash(absl::string_view sealed) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(sealed.data()), sealed.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Connection>> SealedConnections::Open(
    absl::string_view sealed) {
  if (seal_ == nullptr) {
    return absl::FailedPreconditionError(
        "sealed_connection: this worker has no keys to open it: give "
        "provider.seal_key_file the file that reposync.seal_key_file is");
  }
  if (sealed.size() > kMaxSealed) {
    return absl::InvalidArgumentError(absl::StrCat(
        "sealed_connection: is larger than ", kMaxSealed, " bytes"));
  }
  // Even if it is known: its key may have been taken out of the file since.
  absl::StatusOr<std::string> plain = seal_->Open(sealed);
  if (!plain.ok()) return Annotate(plain.status(), "sealed_connection");
  std::string hash = Hash(sealed);
  if (const auto it = by_hash_.find(hash); it != by_hash_.end()) {
    entries_.splice(entries_.begin(), entries_, it->second);
    return it->second->connection;
  }
  v1::SealedConnection message;
  if (!message.ParseFromString(*plain)) {
    return absl::InvalidArgumentError(
        "sealed_connection: what was sealed is no SealedConnection");
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(Connection connection, ReadConnection(message));
  if (entries_.size() == max_kept_) {
    by_hash_.erase(entries_.back().hash);
    entries_.pop_back();
  }
  entries_.push_front(
      {hash, std::make_shared<const Connection>(std::move(connection))});
  by_hash_[std::move(hash)] = entries_.begin();
  return entries_.front().connection;
}

}  // namespace lamplighter::provider
