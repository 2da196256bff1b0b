#include "services/provider/set_status.h"

#include <utility>

#include "absl/strings/match.h"
#include "common/status/macros.h"

namespace lamplighter::provider {
namespace {

namespace asio = ::boost::asio;

bool IsWebAddress(absl::string_view url) {
  return absl::StartsWithIgnoreCase(url, "https://") ||
         absl::StartsWithIgnoreCase(url, "http://");
}

void Clean(const ForgeCall& call, v1::StatusIntent& intent) {
  intent.set_context(call.Clean(intent.context()));
  intent.set_description(call.Clean(intent.description()));
  intent.set_summary(call.Clean(intent.summary()));
  intent.set_target_url(call.Clean(intent.target_url()));
  if (!IsWebAddress(intent.target_url())) intent.clear_target_url();
}

// Whether the forge shows `wanted` now, with the id of it. Any failure to find
// out is a no.
asio::awaitable<absl::optional<std::string>> IsShown(Forge& forge,
                                                     ForgeCall& call,
                                                     std::string sha,
                                                     ForgeStatus wanted) {
  if (!call.HasTimeLeft()) co_return absl::nullopt;
  const auto shown = co_await forge.Find(call, sha, wanted);
  if (!shown.ok() || !shown->has_value() || !ShowsTheSame(**shown, wanted)) {
    co_return absl::nullopt;
  }
  co_return (*shown)->id;
}

// Whether `intent` only stands in for a result: a pending, until there is one,
// or the error in place of one that never came.
bool IsStandIn(const v1::StatusIntent& intent) {
  return intent.has_pending_until();
}

// A pending that stands in takes the place of nothing, and the error of what is
// under way alone.
bool MayReplace(const Forge& forge, const v1::StatusIntent& intent,
                const ForgeStatus& shown) {
  if (!IsStandIn(intent)) return true;
  const v1::CommitState state = forge.StateOf(shown.state);
  return intent.state() == v1::ERROR &&
         (state == v1::PENDING || state == v1::RUNNING);
}

}  // namespace

asio::awaitable<absl::StatusOr<SetStatusResult>> SetStatus(
    Forge& forge, ForgeCall& call, v1::StatusIntent intent,
    bool known_different) {
  Clean(call, intent);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const ForgeStatus wanted,
                                  forge.Render(intent));
  if (!known_different || IsStandIn(intent)) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        const absl::optional<ForgeStatus> shown,
        co_await forge.Find(call, intent.sha(), wanted));
    if (shown && ShowsTheSame(*shown, wanted)) {
      co_return SetStatusResult{/*written=*/false, shown->id};
    }
    if (shown && !MayReplace(forge, intent, *shown)) {
      co_return absl::AlreadyExistsError("the commit shows a status of it");
    }
  }
  absl::StatusOr<std::string> id =
      co_await forge.Write(call, intent.sha(), wanted);
  if (id.ok()) co_return SetStatusResult{/*written=*/true, *std::move(id)};
  if (absl::IsAlreadyExists(id.status())) {
    co_return SetStatusResult{/*written=*/false, /*forge_id=*/""};
  }
  if (absl::IsDeadlineExceeded(id.status())) {
    const auto shown = co_await IsShown(forge, call, intent.sha(), wanted);
    if (shown) co_return SetStatusResult{/*written=*/true, *shown};
  }
  co_return id.status();
}

}  // namespace lamplighter::provider
