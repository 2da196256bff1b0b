#include "services/dispatcher/status_service/requests.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/random/distributions.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/forge/forge_location.h"
#include "common/status/macros.h"
#include "common/time/proto_time.h"
#include <openssl/sha.h>

namespace lamplighter::dispatcher {
namespace {

constexpr size_t kMaxContext = 255;
constexpr size_t kMaxDescription = 10'000;
constexpr size_t kMaxTargetUrl = 2'048;
constexpr size_t kMaxIdempotencyKey = 128;
// By how much a client's clock may be ahead of ours. A status from further in
// the future would win over all that come until then.
constexpr absl::Duration kMaxAhead = absl::Minutes(5);

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::StatusOr<const Provider*> FindProvider(const v1::ProviderRef& ref,
                                             const Manifests& manifests) {
  if (ref.namespace_().empty() || ref.name().empty()) {
    return Wrong("provider: must have a namespace and a name");
  }
  const std::string named = absl::StrCat(ref.namespace_(), "/", ref.name());
  const Provider* provider =
      manifests.FindProvider(ref.namespace_(), ref.name());
  if (provider != nullptr && provider->suspend) {
    return absl::FailedPreconditionError(
        absl::StrCat("Provider ", named, " is suspended"));
  }
  if (provider != nullptr) return provider;
  if (manifests.other_providers.contains({ref.namespace_(), ref.name()})) {
    return Wrong("Provider ", named, " is of a type that sets no statuses");
  }
  return absl::NotFoundError(
      absl::StrCat("there is no Provider ", named,
                   ", or it cannot be used: see the dispatcher's log"));
}

// The repository `id`, or the Provider's own where that is empty.
absl::StatusOr<std::string> FindRepository(const Provider& provider,
                                           const std::string& id) {
  if (provider.IsAccount()) {
    if (id.empty()) {
      return Wrong("repository_id: must be set, as Provider ",
                   provider.namespace_, "/", provider.name,
                   " is for all repositories of an account");
    }
    LAMPLIGHTER_ASSIGN_OR_RETURN(
        const ForgeLocation account,
        LocateAccount(provider.type, provider.address));
    const auto location = LocateInAccount(account, absl::AsciiStrToLower(id));
    if (location.ok()) return RepositoryId(*location);
    return Wrong("repository_id: ", location.status().message());
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const std::string own,
      RepositoryId(provider.type, provider.address, provider.ForgeUrl()));
  if (id.empty() || absl::EqualsIgnoreCase(id, own)) return own;
  return Wrong("repository_id: Provider ", provider.namespace_, "/",
               provider.name, " is for ", own, ", not for ", id);
}

absl::StatusOr<std::string> ReadSha(const std::string& sha) {
  if ((sha.size() != 40 && sha.size() != 64) ||
      !std::all_of(sha.begin(), sha.end(), absl::ascii_isxdigit)) {
    return Wrong("sha: must be a commit's id in full, 40 or 64 hex digits");
  }
  return absl::AsciiStrToLower(sha);
}

bool IsPrintable(absl::string_view text) {
  return std::none_of(text.begin(), text.end(), absl::ascii_iscntrl);
}

absl::Status CheckText(const v1::SetStatusRequest& request) {
  if (request.context().empty() || request.context().size() > kMaxContext ||
      !IsPrintable(request.context())) {
    return Wrong("context: must be 1 to ", kMaxContext,
                 " bytes without control characters");
  }
  if (request.state() == v1::COMMIT_STATE_UNSPECIFIED ||
      !v1::CommitState_IsValid(request.state())) {
    return Wrong("state: must be PENDING, RUNNING, SUCCESS, FAILURE or ERROR");
  }
  if (request.description().size() > kMaxDescription) {
    return Wrong("description: must be ", kMaxDescription, " bytes at most");
  }
  const std::string& url = request.target_url();
  if (!url.empty() && (!(absl::StartsWithIgnoreCase(url, "https://") ||
                         absl::StartsWithIgnoreCase(url, "http://")) ||
                       url.size() > kMaxTargetUrl || !IsPrintable(url))) {
    return Wrong("target_url: must be an http or https URL of ", kMaxTargetUrl,
                 " bytes at most");
  }
  if (request.idempotency_key().size() > kMaxIdempotencyKey) {
    return Wrong("idempotency_key: must be ", kMaxIdempotencyKey,
                 " bytes at most");
  }
  return absl::OkStatus();
}

absl::StatusOr<absl::Time> ReadEventTime(const v1::SetStatusRequest& request,
                                         absl::Time now) {
  if (!request.has_event_time()) {
    if (request.idempotency_key().empty()) return now;
    return Wrong(
        "event_time: must be set beside an idempotency_key, or the same "
        "request sent again would be newer than what came between");
  }
  const absl::Time time = FromProto(request.event_time());
  if (request.event_time().nanos() < 0 ||
      request.event_time().nanos() > 999'999'999 || time < absl::UnixEpoch()) {
    return Wrong("event_time: is no time since 1970");
  }
  if (time > now + kMaxAhead) {
    return Wrong("event_time: is more than ", absl::FormatDuration(kMaxAhead),
                 " in the future by the dispatcher's clock");
  }
  return time;
}

// Of the key, which may hold anything, no more than a hash goes on.
std::string IntentId(const std::string& client, const std::string& key,
                     absl::BitGenRef random) {
  if (key.empty()) {
    return absl::StrCat(
        "request/", client, "/",
        absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16),
        absl::Hex(absl::Uniform<uint64_t>(random), absl::kZeroPad16));
  }
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return absl::StrCat("request/", client, "/",
                      absl::BytesToHexString(hash.substr(0, 16)));
}

}  // namespace

absl::StatusOr<v1::ListCommitStatusesRequest> ReadCommit(
    const v1::ProviderRef& provider, const std::string& repository_id,
    const std::string& sha, const Manifests& manifests) {
  v1::ListCommitStatusesRequest commit;
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Provider* found,
                               FindProvider(provider, manifests));
  *commit.mutable_provider() = provider;
  LAMPLIGHTER_ASSIGN_OR_RETURN(*commit.mutable_repository_id(),
                               FindRepository(*found, repository_id));
  LAMPLIGHTER_ASSIGN_OR_RETURN(*commit.mutable_sha(), ReadSha(sha));
  return commit;
}

absl::StatusOr<v1::StatusIntent> MakeIntent(const v1::SetStatusRequest& request,
                                            const Manifests& manifests,
                                            const std::string& client,
                                            absl::Time now,
                                            absl::BitGenRef random) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      v1::ListCommitStatusesRequest commit,
      ReadCommit(request.provider(), request.repository_id(), request.sha(),
                 manifests));
  LAMPLIGHTER_RETURN_IF_ERROR(CheckText(request));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const absl::Time event_time,
                               ReadEventTime(request, now));
  v1::StatusIntent intent;
  intent.set_id(IntentId(client, request.idempotency_key(), random));
  *intent.mutable_provider() = commit.provider();
  intent.set_repository_id(commit.repository_id());
  intent.set_sha(commit.sha());
  intent.set_context(request.context());
  intent.set_state(request.state());
  intent.set_description(request.description());
  intent.set_target_url(request.target_url());
  *intent.mutable_event_time() = ToProto(event_time);
  intent.set_client(client);
  return intent;
}

}  // namespace lamplighter::dispatcher
