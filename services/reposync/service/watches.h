#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/serve_stream.h"
#include "common/time/clock.h"
#include "prometheus/gauge.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/service/change_feed.h"
#include "services/reposync/store/catalog_store.h"

namespace lamplighter::reposync {

// Where a stream is: after change `number`, or, in a snapshot that is complete
// as of it, after the entry `entry`. `at`, in milliseconds since 1970, is when
// that change was made: a database that was restored from a backup gives its
// number to another.
struct WatchPosition {
  int64_t number = 0;
  int64_t at = 0;
  absl::optional<int64_t> entry = absl::nullopt;
};

// Streams the catalog and its changes to whoever watches. On the loop only.
class Watches {
 public:
  struct Options {
    int max_streams = 256;
    // A token is sent when nothing else was for so long.
    absl::Duration progress_interval = absl::Seconds(30);
    int32_t snapshot_page = 500;  // entries
  };
  using Write = StreamWrite<v1::WatchRepositoriesResponse>;

  // All must outlive this.
  Watches(const Options& options, CatalogStore& catalog, ChangeFeed& feed,
          const Clock& clock, prometheus::Gauge& open_streams)
      : options_(options),
        catalog_(catalog),
        feed_(feed),
        clock_(clock),
        open_streams_(open_streams) {}

  // Serves one stream until it fails; see CatalogService for the errors. This
  // must outlive it.
  boost::asio::awaitable<absl::Status> Run(v1::WatchRepositoriesRequest request,
                                           Write write);

  // Ends all streams, and those that are begun later.
  void Stop();

 private:
  boost::asio::awaitable<absl::Status> Serve(
      v1::WatchRepositoriesRequest request, Write write);
  // Where it begins. OutOfRange where it cannot go on there.
  boost::asio::awaitable<absl::StatusOr<WatchPosition>> Begin(
      v1::WatchRepositoriesRequest request);
  // When a change was made. OutOfRange where it is no longer kept.
  boost::asio::awaitable<absl::StatusOr<int64_t>> TimeOf(int64_t number);
  // The rest of all there is. What has changed since `position` is told
  // afterwards.
  boost::asio::awaitable<absl::Status> TellSnapshot(
      v1::WatchRepositoriesRequest request, Write write,
      WatchPosition& position);
  boost::asio::awaitable<absl::Status> TellChanges(
      v1::WatchRepositoriesRequest request, Write write,
      WatchPosition position);

  const Options options_;
  CatalogStore& catalog_;
  ChangeFeed& feed_;
  const Clock& clock_;
  prometheus::Gauge& open_streams_;
  int open_ = 0;
  bool stopping_ = false;
};

}  // namespace lamplighter::reposync
