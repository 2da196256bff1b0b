#pragma once

#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/time/backoff.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/store/hook_store.h"

// What becomes of a hook by what a provider worker answered.
namespace lamplighter::reposync {

struct HookTimes {
  absl::Duration check_interval = absl::Hours(24);
  // What may work next time.
  Backoff retry = {.first = absl::Seconds(5), .max = absl::Minutes(10)};
  // What somebody has to mend.
  Backoff slow = {.first = absl::Hours(1), .max = absl::Hours(24)};
};

// What was found otherwise than it should be, and mended.
struct Drift {
  int deleted = 0;   // was on, and gone
  int repaired = 0;  // was there, and different
};

// One is wanted while it has attachments.
inline bool IsWanted(const v1::Hook& hook) {
  return hook.attachments_size() > 0;
}

// It is on, and as it should be.
Drift SetPresent(LeasedHook& leased, const v1::EnsureWebhooksResponse& response,
                 const v1::ConnectionInfo& connection, const HookTimes& times,
                 absl::Time now, absl::BitGenRef random);

// It could not be put on, or be taken off.
void SetFailed(v1::Hook& hook, const absl::Status& error,
               const HookTimes& times, absl::Time now, absl::BitGenRef random);

}  // namespace lamplighter::reposync
