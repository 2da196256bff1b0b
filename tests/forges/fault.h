#pragma once

#include <cstdint>
#include <list>
#include <random>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/time/clock.h"

namespace lamplighter {

// What goes wrong at a scripted forge, for how long.
struct Fault {
  int status = 0;              // answered, instead of doing what was asked
  absl::Duration latency;      // waited before anything else
  absl::Duration jitter;       // and so much more at most, at random
  absl::Duration retry_after;  // said in Retry-After, if not zero
  bool hang = false;           // no answer, for a minute at most
  // An answer that is no HTTP: the client cannot know what was done. (It is as
  // good as a connection that is reset, which HttpServer cannot do.)
  bool reset = false;
  // The fault comes after the work is done: the answer alone is lost.
  bool after = false;
  bool html = false;  // `status` with a gateway's page
  // What was asked is done, and half of the answer's body comes.
  bool truncated = false;
  bool huge = false;  // `status` (or 200) with a body of 100 MiB
  // The credential's quota is used up until then.
  absl::optional<absl::Time> rate_limit_until;
  // A JSON body answered with `status` or 200; with `after` in place of the
  // body of what was done, whose headers stay.
  absl::optional<std::string> body;
  // Answered as if this was the query.
  std::string query;
  std::string method;  // only of these requests; empty for all
  std::string target;  // only of those with this in their path?query
  // Only of requests with this in their credential (a Basic one decoded); empty
  // for all. With `status` 401 it is revoked.
  std::string credential;

  absl::Time ends_at = absl::InfiniteFuture();
  int64_t times = 0;  // requests it still hits; 0 for no limit

  // That there is more to it than latency.
  bool Fails() const {
    return status != 0 || hang || reset || html || truncated || huge ||
           rate_limit_until || body;
  }

  // From {"status":502,"latency_ms":5,"jitter_ms":5,"retry_after_s":9,
  // "hang":true,"reset":true,"html":true,"truncated":true,"huge":true,
  // "after":true,"body":"[]","query":"page=1","rate_limit_until":EPOCH,
  // "method":"POST","target":"/user/repos","credential":"TOKEN",
  // "for_ms":10000,"times":3}, all optional. InvalidArgument for anything else.
  static absl::StatusOr<Fault> Parse(const std::string& json, absl::Time now);
};

// The faults in force, in the order they were added.
class Faults {
 public:
  explicit Faults(const Clock& clock) : clock_(clock) {}

  void Add(Fault fault) { faults_.push_back(std::move(fault)); }
  void Clear() { faults_.clear(); }

  // The first that hits a request of this method for this path?query with this
  // credential, and counts the hit. Its latency has the jitter in it.
  absl::optional<Fault> Hit(absl::string_view method, absl::string_view target,
                            absl::string_view credential);

 private:
  const Clock& clock_;
  std::list<Fault> faults_;
  std::minstd_rand random_;  // the same each time
};

}  // namespace lamplighter
