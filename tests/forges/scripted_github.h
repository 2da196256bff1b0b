#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/http_server.h"
#include "common/time/clock.h"
#include "tests/forges/fault.h"
#include "tests/forges/status_store.h"

namespace lamplighter {

// A request that a scripted forge has answered.
struct ScriptedCall {
  int64_t number = 0;  // from 1
  absl::Time at;
  std::string method;
  std::string path;
  int status = 0;
  // Of what was asked to be set; empty for reads.
  std::string context;
  std::string state;
  std::string description;
};

// GitHub's commit status API, at the root and below /api/v3, with its checks
// and its limits, for any repository and commit (but the one of forty zeros).
// Below /_sandbox it is told what shall go wrong and tells what it was asked:
//
//   POST   /_sandbox/faults             see Fault
//   DELETE /_sandbox/faults
//   GET    /_sandbox/calls?after=N      calls beyond number N, 10,000 at most
//   GET    /_sandbox/stats              counts only
//   DELETE /_sandbox                    forgets statuses, calls and faults
//
// Keeps at most 200,000 calls and 1,000,000 statuses. On the loop only.
class ScriptedGitHub {
 public:
  struct Options {
    std::string token;                 // to ask for; any will do if empty
    int64_t rate_limit = 100'000'000;  // requests an hour; none if 0
    size_t max_calls = 200'000;
  };

  ScriptedGitHub(Options options, const Clock& clock)
      : options_(std::move(options)), clock_(clock), faults_(clock) {}

  // For an HttpServer; this must outlive it.
  std::vector<HttpRoute> Routes();

  void AddFault(Fault fault) { faults_.Add(std::move(fault)); }
  const std::deque<ScriptedCall>& calls() const { return calls_; }
  const StatusStore& statuses() const { return statuses_; }
  void Reset();

 private:
  using Action = HttpResponse (ScriptedGitHub::*)(const HttpRequest&,
                                                  ScriptedCall&);

  HttpRoute Route(std::string method, std::string path, Action action);
  boost::asio::awaitable<HttpResponse> Answer(HttpRequest request,
                                              Action action);
  boost::asio::awaitable<HttpResponse> Fail(Fault fault);
  // Token, rate limit, then the action.
  HttpResponse Do(const HttpRequest& request, ScriptedCall& call,
                  Action action);

  HttpResponse Create(const HttpRequest& request, ScriptedCall& call);
  HttpResponse History(const HttpRequest& request, ScriptedCall& call);
  HttpResponse Combined(const HttpRequest& request, ScriptedCall& call);

  HttpRoute AdminRoute(
      std::string method, std::string path,
      HttpResponse (ScriptedGitHub::*action)(const HttpRequest&));
  HttpResponse PostFault(const HttpRequest& request);
  HttpResponse DeleteFaults(const HttpRequest& request);
  HttpResponse GetCalls(const HttpRequest& request);
  HttpResponse GetStats(const HttpRequest& request);
  HttpResponse DeleteAll(const HttpRequest& request);

  void TurnWindow();
  void AddRateLimit(HttpResponse& response) const;
  void Record(ScriptedCall call);

  const Options options_;
  const Clock& clock_;
  Faults faults_;
  StatusStore statuses_;
  std::deque<ScriptedCall> calls_;
  int64_t call_count_ = 0;
  std::map<int, int64_t> counts_by_status_;
  int64_t used_ = 0;  // of the rate limit, in this window
  absl::Time window_ends_ = absl::InfinitePast();
};

}  // namespace lamplighter
