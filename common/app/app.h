#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/app/health.h"
#include "common/config/config_file.h"
#include "common/metrics/metrics.h"
#include "common/time/clock.h"
#include "common/tracing/tracer.h"
#include "proto/lamplighter/config/v1/config.pb.h"

namespace lamplighter {

// What a process gives to the services in it. Outlives them.
struct AppContext {
  boost::asio::io_context& loop;  // one thread runs it
  const config::v1::Config& config;
  const ConfigFile& config_file;  // for errors that name a line
  Metrics& metrics;
  Health& health;
  const Clock& clock;
  // Ends the process: stops the services in order, then exits with status 1.
  // For what cannot be mended while running. Call on the loop.
  std::function<void(absl::Status)> fail;
  // Ends the process as a signal does: what it was started for is done. Call on
  // the loop.
  std::function<void()> stop = nullptr;
  // A service makes its own of it, with its name.
  Tracer tracer = {};
};

// A service of the process.
class Service {
 public:
  virtual ~Service() = default;

  // Begins to serve. An error ends the process. Cancelled if the process is
  // told to stop meanwhile.
  virtual boost::asio::awaitable<absl::Status> Start() = 0;

  // Stops taking work, finishes what has begun within the service's own drain
  // timeout, and lets go of everything. Called once, if Start() was, even if
  // that failed or was cancelled.
  virtual boost::asio::awaitable<void> Stop() = 0;
};

// Checks the configuration and builds a service, without starting it.
using ServiceFactory =
    std::function<absl::StatusOr<std::unique_ptr<Service>>(AppContext&)>;

// The whole life of a process: reads `--config FILE`, sets up the log, makes
// the services in the order given, serves the admin ports, starts the services
// in their order, and at SIGTERM or SIGINT turns readiness off and stops them
// in reverse order. `--check` only reads the configuration and makes the
// services;
// `--version` prints it. Returns the exit status: 0; 1 for failure; 2 for bad
// usage or configuration, which a factory reports as InvalidArgument or
// NotFound. A second signal while stopping ends the process at once.
//
// `sections` are those of the configuration whose `admin_listen` this process
// serves: a binary names its own, since others may run on the same machine with
// the same file. Readiness has a check "start" until every service has started.
int RunMain(int argc, char** argv, const std::vector<ServiceFactory>& services,
            const std::vector<std::string>& sections = {
                "ingest", "dispatcher", "provider", "reposync"});

}  // namespace lamplighter
