#pragma once

#include <any>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "common/forge/forge_location.h"
#include "common/http/http_client.h"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "common/url/percent_encode.h"
#include "services/provider/credentials.h"
#include "services/provider/metrics.h"

namespace lamplighter::provider {

// A credential's quota, as its forge last said.
struct ForgeRateLimit {
  int64_t limit = 0;
  int64_t remaining = 0;
  absl::Time resets_at;
};

// One operation on a forge: where, as whom, and until when. A forge makes all
// its requests through it, so that none outlasts the caller and each is
// measured. Made for one operation, on the loop only.
class ForgeCall {
 public:
  struct Target {
    std::string provider_type;
    ForgeLocation location;
    Access access;
    absl::Duration timeout;   // of one request
    absl::Duration deadline;  // of the operation, as Clock::MonotonicNow()
    // Of the operation, which outlives it; null where it has none.
    const Span* span = nullptr;
  };

  // The rest must outlive it.
  ForgeCall(Target target, HttpClient& http, const Clock& clock,
            ProviderMetrics& metrics)
      : target_(std::move(target)),
        http_(http),
        clock_(clock),
        metrics_(metrics) {}

  const Target& target() const { return target_; }
  const Access& access() const { return target_.access; }
  const std::string& site() const { return target_.location.site; }
  const std::string& repository() const { return target_.location.repository; }
  absl::Time Now() const { return clock_.Now(); }
  absl::Duration TimeLeft() const {
    return target_.deadline - clock_.MonotonicNow();
  }
  bool HasTimeLeft() const { return TimeLeft() > absl::ZeroDuration(); }

  // Sends `call` with the target's transport and what time there is; whatever
  // answer comes, or an error as of HttpClient (with Unavailable for an answer
  // that is too large). `operation` is for metrics: "read", "write".
  boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(std::string operation,
                                                          HttpCall call);

  // What a forge said, fit to be in an error: one line, masked, cut.
  std::string Quote(absl::string_view text) const;

  // `text` without control characters and secrets.
  std::string Clean(absl::string_view text) const;

  // From now on masked like those of access(): a token made at run time.
  void AddSecret(absl::string_view secret);

  // What the forge's class looked up for one request and needs for the next.
  std::any& memo() { return memo_; }

  void set_rate_limit(const ForgeRateLimit& limit);
  const absl::optional<ForgeRateLimit>& rate_limit() const {
    return rate_limit_;
  }

 private:
  Span BeginSpan(const std::string& operation, const HttpCall& call) const;
  void Measure(const std::string& operation, const std::string& code,
               absl::Duration duration);

  Target target_;
  HttpClient& http_;
  const Clock& clock_;
  ProviderMetrics& metrics_;
  absl::optional<ForgeRateLimit> rate_limit_;
  std::any memo_;
};

// A path whose elements are to be encoded, its slashes not.
std::string EscapePaths(absl::string_view path);

// Retry-After, in seconds or as a date; none where it is absent or unreadable.
absl::optional<absl::Duration> RetryAfterHeader(const HttpHeaders& headers,
                                                absl::Time now);

// A header that is a whole number; none where it is absent or something else.
absl::optional<int64_t> NumberHeader(const HttpHeaders& headers,
                                     absl::string_view name);

// The quota that PREFIX-limit, PREFIX-remaining and PREFIX-reset (seconds since
// the epoch) tell of; none unless all three are there. Self-hosted forges send
// none unless limits are switched on.
absl::optional<ForgeRateLimit> ReadRateLimit(const HttpHeaders& headers,
                                             absl::string_view prefix);

// ResourceExhausted with how long to wait, which is kept between a second and
// two hours: no forge's window is longer, but a clock may be wrong.
absl::Status RateLimited(absl::string_view message, absl::Duration wait);

// What an answer that is no success means wherever a forge has no word of its
// own for it; the codes are those of ProviderService. `message` is what the
// forge said, already quoted.
absl::Status StatusFromAnswer(const HttpResult& answer,
                              absl::string_view message, absl::Time now);

}  // namespace lamplighter::provider
