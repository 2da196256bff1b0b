#pragma once

#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/time/backoff.h"

namespace lamplighter::reposync {

// Which connections may be called now. One that is limited, refused or does not
// answer waits as a whole, longer each time, and is then tried with one call at
// a time until one goes well. Errors of a single repository do not count. On
// the loop only.
class ConnectionPace {
 public:
  explicit ConnectionPace(Backoff backoff) : backoff_(backoff) {}

  bool MayStart(const std::string& connection, absl::Duration now) const;
  // Those that may not.
  std::vector<std::string> Busy(absl::Duration now) const;
  // When the first of those that wait may; InfiniteDuration where none waits.
  absl::Duration NextFree(absl::Duration now) const;

  void Started(const std::string& connection);
  // A call of it ended as `status`, which may ask for a pause (RetryAfter()).
  void Ended(const std::string& connection, const absl::Status& status,
             absl::Duration now, absl::BitGenRef random);
  // Its credential is another: it waits no more.
  void Forgive(const std::string& connection);

 private:
  struct Pace {
    int running = 0;
    int failures = 0;                                   // in a row
    absl::Duration waits_until = absl::ZeroDuration();  // of a monotonic clock
  };

  static bool MayStart(const Pace& pace, absl::Duration now) {
    return pace.waits_until <= now && (pace.failures == 0 || pace.running == 0);
  }

  const Backoff backoff_;
  // None where nothing runs and the last call went well.
  absl::btree_map<std::string, Pace> paces_;
};

// True if the error is the connection's, and not that of a repository.
bool IsOfConnection(const absl::Status& status);

}  // namespace lamplighter::reposync
