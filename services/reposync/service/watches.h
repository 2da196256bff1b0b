#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/serve_stream.h"
#include "common/time/clock.h"
#include "prometheus/gauge.h"
#include "proto/lamplighter/v1/catalog_service.pb.h"
#include "services/reposync/service/change_feed.h"
#include "services/reposync/store/catalog_store.h"

namespace lamplighter::reposync {

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
  // All there is, after the entry `after`. What has changed since change
  // `number` is told afterwards.
  boost::asio::awaitable<absl::Status> TellSnapshot(
      v1::WatchRepositoriesRequest request, Write write, int64_t number,
      int64_t after);
  boost::asio::awaitable<absl::Status> TellChanges(
      v1::WatchRepositoriesRequest request, Write write, int64_t after);

  const Options options_;
  CatalogStore& catalog_;
  ChangeFeed& feed_;
  const Clock& clock_;
  prometheus::Gauge& open_streams_;
  int open_ = 0;
  bool stopping_ = false;
};

}  // namespace lamplighter::reposync
