#include "services/reposync/upkeep.h"

#include <cstdint>

#include "common/log/log.h"
#include "common/status/macros.h"

namespace lamplighter::reposync {

using ::boost::asio::awaitable;

awaitable<void> Upkeep::Run() {
  while (true) {
    const absl::Status status = co_await Drop();
    if (!status.ok()) {
      LAMPLIGHTER_LOG(kWarning, "what the catalog need not keep is still there")
          .With("error", status);
    }
    if (!(co_await sleeper_.SleepFor(options_.interval)).ok()) co_return;
  }
}

awaitable<absl::Status> Upkeep::Drop() {
  const absl::Time now = clock_.Now();
  int64_t dropped = 1;
  while (dropped > 0) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        dropped, co_await catalog_.PurgeRemoved(now - options_.keep_removed));
  }
  dropped = 1;
  while (dropped > 0) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        dropped, co_await catalog_.DropChanges(now - options_.keep_changes));
  }
  co_return absl::OkStatus();
}

}  // namespace lamplighter::reposync
