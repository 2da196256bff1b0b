#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/io_context.hpp"
#include "common/app/health.h"
#include "common/app/process_metrics.h"
#include "common/http/http_server.h"
#include "common/metrics/metrics.h"

namespace lamplighter {

// What a process tells its operators, apart from what it serves to others:
//   /livez    200 as long as the loop turns
//   /readyz   200, or 503 with what is wrong
//   /metrics  Prometheus text format
//   /version  JSON
// Nothing it answers is secret, but it is not meant for outsiders. Everything
// referred to must outlive it. Errors are HttpServer::Create()'s.
absl::StatusOr<std::unique_ptr<HttpServer>> MakeAdminServer(
    const std::string& listen, boost::asio::io_context& loop,
    const Health& health, const Metrics& metrics, ProcessMetrics& process);

}  // namespace lamplighter
