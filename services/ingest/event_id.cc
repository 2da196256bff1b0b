#include "services/ingest/event_id.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include <openssl/sha.h>

namespace lamplighter::ingest {

std::string ContentId(absl::Span<const absl::string_view> parts) {
  std::string text;
  for (absl::string_view part : parts) {
    absl::StrAppend(&text, part.size(), ":", part);
  }
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         hash);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(hash), sizeof(hash) / 2));
}

}  // namespace lamplighter::ingest
