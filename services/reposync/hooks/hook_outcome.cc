#include "services/reposync/hooks/hook_outcome.h"

#include <algorithm>
#include <string>

#include "absl/random/distributions.h"
#include "common/grpc/retry_info.h"
#include "common/status/status.h"
#include "common/time/proto_time.h"

namespace lamplighter::reposync {
namespace {

using v1::Hook;
using v1::Webhook;

constexpr absl::Duration kLongestWait = absl::Hours(24);

// Asking again is right whatever became of the call.
bool MayWorkNextTime(const absl::Status& error) {
  return IsTransient(error) || absl::IsDeadlineExceeded(error);
}

}  // namespace

Drift SetPresent(LeasedHook& leased, const v1::EnsureWebhooksResponse& response,
                 const v1::ConnectionInfo& connection, const HookTimes& times,
                 absl::Time now, absl::BitGenRef random) {
  Hook& hook = leased.hook;
  const bool was_on = hook.forge_ids_size() > 0;
  Drift drift;
  hook.clear_forge_ids();
  hook.set_url(connection.webhook_url());
  for (const Webhook& webhook : response.webhooks()) {
    if (webhook.action() == Webhook::REMOVED) continue;
    hook.add_forge_ids(webhook.forge_id());
    if (webhook.action() == Webhook::CREATED && was_on) ++drift.deleted;
    const bool was_asked_for = leased.rewrite && webhook.difference().empty();
    if (webhook.action() == Webhook::REPAIRED && !was_asked_for) {
      ++drift.repaired;
    }
  }
  *hook.mutable_events() = connection.webhook_events();
  hook.set_state(Hook::PRESENT);
  hook.clear_error();
  hook.set_failures(0);
  if (drift.deleted + drift.repaired > 0) hook.set_repairs(hook.repairs() + 1);
  *hook.mutable_checked_at() = ToProto(now);
  *hook.mutable_next_at() =
      ToProto(now + times.check_interval * absl::Uniform(random, 0.9, 1.1));
  return drift;
}

void SetFailed(Hook& hook, const absl::Status& error, const HookTimes& times,
               absl::Time now, absl::BitGenRef random) {
  const bool retry = MayWorkNextTime(error) ||
                     (IsWanted(hook) && absl::IsUnauthenticated(error));
  if (IsWanted(hook)) {
    hook.set_state(Hook::FAILING);
  } else if (!retry) {
    hook.set_state(Hook::ORPHANED);
  }
  hook.set_error(std::string(error.message()));
  hook.set_failures(std::min(hook.failures(), 1'000'000) + 1);
  const absl::Duration wait =
      std::max((retry ? times.retry : times.slow)
                   .AtLeastHalfAfter(hook.failures(), random),
               RetryAfter(error).value_or(absl::ZeroDuration()));
  *hook.mutable_next_at() = ToProto(now + std::min(wait, kLongestWait));
}

}  // namespace lamplighter::reposync
