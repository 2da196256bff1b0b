#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/serve_stream.h"
#include "common/time/clock.h"
#include "prometheus/gauge.h"
#include "proto/lamplighter/v1/status_service.pb.h"
#include "services/dispatcher/status_service/open_reader.h"

namespace lamplighter::dispatcher {

// Streams what becomes of intents to whoever watches. Each stream reads the
// topic for itself, so that one which is slow or resumes far back delays no
// other. On the loop only.
class OutcomeWatches {
 public:
  struct Options {
    int max_streams = 32;
    // A token is sent when nothing else was for so long.
    absl::Duration progress_interval = absl::Seconds(30);
  };
  using Write = StreamWrite<v1::WatchOutcomesResponse>;

  // `clock` and `open_streams` must outlive this.
  OutcomeWatches(const Options& options, OpenReader open_reader,
                 const Clock& clock, prometheus::Gauge& open_streams);

  // Serves one stream until it fails; see StatusService for the errors. The
  // first answer, which comes once what happens from then on will be told,
  // brings only a token. This must outlive it.
  boost::asio::awaitable<absl::Status> Run(v1::WatchOutcomesRequest request,
                                           Write write);

  // Ends all streams within a second, and those that are begun later.
  void Stop() { stopping_ = true; }

 private:
  boost::asio::awaitable<absl::Status> Follow(v1::WatchOutcomesRequest request,
                                              Write write);

  const Options options_;
  const OpenReader open_reader_;
  const Clock& clock_;
  prometheus::Gauge& open_streams_;
  int open_ = 0;
  bool stopping_ = false;
};

}  // namespace lamplighter::dispatcher
