#include "services/dispatcher/ledger/ledger_key.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include <openssl/sha.h>

namespace lamplighter::dispatcher {

std::string LedgerName(const v1::StatusIntent& intent) {
  return absl::StrCat(intent.repository_id(), "\n", intent.sha(), "\n",
                      intent.context());
}

LedgerKey MakeLedgerKey(absl::string_view name) {
  // One that nobody can make collide: contexts are whatever senders say.
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(name.data()), name.size(),
         hash);
  LedgerKey key;
  std::memcpy(&key.high, hash, sizeof key.high);
  std::memcpy(&key.low, hash + sizeof key.high, sizeof key.low);
  return key;
}

}  // namespace lamplighter::dispatcher
