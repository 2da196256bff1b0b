#include "services/provider/forges/bitbucket_build.h"

#include <array>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <openssl/sha.h>

namespace lamplighter::provider {

absl::string_view BuildState(v1::CommitState state) {
  switch (state) {
    case v1::PENDING:
    case v1::RUNNING:
      return "INPROGRESS";
    case v1::SUCCESS:
      return "SUCCESSFUL";
    case v1::FAILURE:
    case v1::ERROR:
      return "FAILED";
    default:
      return "";
  }
}

std::string BuildKey(absl::string_view context) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(context.data()), context.size(),
       digest.data());
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(digest.data()), digest.size()));
}

std::string BuildName(const v1::StatusIntent& intent) {
  const std::string object = absl::AsciiStrToLower(absl::StrCat(
      intent.involved_object().kind(), "/", intent.involved_object().name()));
  const bool is_objects =
      absl::StartsWith(intent.context(), absl::StrCat(object, "/"));
  return is_objects ? object : intent.context();
}

}  // namespace lamplighter::provider
