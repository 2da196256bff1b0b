#include "services/provider/forges/bitbucket_build.h"

#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/provider/outgoing_text.h"
#include <openssl/sha.h>

namespace lamplighter::provider {
namespace {

// Neither names a limit; this is what fits on the page, and what other forges
// allow.
constexpr size_t kMaxDescription = 255;

// Never STOPPED or CANCELLED, which are somebody's wish and no failure.
absl::string_view Word(v1::CommitState state) {
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

std::string Key(absl::string_view context) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1(reinterpret_cast<const unsigned char*>(context.data()), context.size(),
       digest.data());
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(digest.data()), digest.size()));
}

// "kind/name" of the object whose context it is, as notification-controller has
// it, else the context.
std::string Name(const v1::StatusIntent& intent) {
  const std::string object = absl::AsciiStrToLower(absl::StrCat(
      intent.involved_object().kind(), "/", intent.involved_object().name()));
  const bool is_objects =
      absl::StartsWith(intent.context(), absl::StrCat(object, "/"));
  return is_objects ? object : intent.context();
}

}  // namespace

absl::StatusOr<ForgeStatus> RenderBuild(const v1::StatusIntent& intent) {
  ForgeStatus build;
  build.state = std::string(Word(intent.state()));
  if (build.state.empty()) {
    return absl::InvalidArgumentError("intent.state: must be a known state");
  }
  if (intent.context().empty()) {
    return absl::InvalidArgumentError("intent.context: must not be empty");
  }
  build.context = Key(intent.context());
  build.name = Name(intent);
  build.description = CutCharacters(intent.description(), kMaxDescription);
  build.target_url = intent.target_url();
  return build;
}

v1::CommitState StateOfBuild(absl::string_view state) {
  if (state == "INPROGRESS") return v1::RUNNING;
  if (state == "SUCCESSFUL") return v1::SUCCESS;
  if (state == "FAILED") return v1::FAILURE;
  if (state == "STOPPED" || state == "CANCELLED" || state == "UNKNOWN") {
    return v1::ERROR;
  }
  return v1::COMMIT_STATE_UNSPECIFIED;
}

void NewestBuilds::Add(ForgeStatus build) {
  const auto [it, is_new] = by_key_.try_emplace(build.context, build);
  if (!is_new && build.updated_at > it->second.updated_at) {
    it->second = std::move(build);
  }
}

std::vector<ForgeStatus> NewestBuilds::Take() {
  std::vector<ForgeStatus> builds;
  for (auto& [key, build] : by_key_) builds.push_back(std::move(build));
  return builds;
}

}  // namespace lamplighter::provider
