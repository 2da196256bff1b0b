#include "services/reposync/upkeep.h"

#include <cstdint>

#include "common/log/log.h"
#include "common/status/macros.h"

namespace lamplighter::reposync {

using ::boost::asio::awaitable;

awaitable<void> Upkeep::Run() {
  while (true) {
    const absl::Status status = co_await KeepUp();
    if (!status.ok()) {
      LAMPLIGHTER_LOG(kWarning, "upkeep of the catalog broke off")
          .With("error", status);
    }
    if (!(co_await sleeper_.SleepFor(options_.interval)).ok()) co_return;
  }
}

awaitable<absl::Status> Upkeep::KeepUp() {
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
  bool merging = true;
  while (merging) {
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(merging,
                                    co_await catalog_.MergeSearchIndex());
  }
  co_return co_await catalog_.TakeSample();
}

}  // namespace lamplighter::reposync
