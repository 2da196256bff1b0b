#include "common/app/admin_server.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "common/app/version.h"

namespace lamplighter {
namespace {

HttpResponse Text(int status, absl::string_view body) {
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .body = absl::StrCat(body, "\n"),
          .headers = {}};
}

boost::asio::awaitable<HttpResponse> Live() { co_return Text(200, "ok"); }

boost::asio::awaitable<HttpResponse> Ready(const Health& health) {
  const absl::Status ready = health.Ready();
  co_return ready.ok() ? Text(200, "ok") : Text(503, ready.message());
}

boost::asio::awaitable<HttpResponse> Scrape(const Metrics& metrics,
                                            ProcessMetrics& process) {
  process.Update();
  co_return HttpResponse{
      .status = 200,
      .content_type = "text/plain; version=0.0.4; charset=utf-8",
      .body = metrics.Text(),
      .headers = {}};
}

boost::asio::awaitable<HttpResponse> Version() {
  co_return HttpResponse{
      .status = 200,
      .content_type = "application/json",
      .body = absl::StrCat(R"({"version":")", kVersion, R"(","revision":")",
                           kRevision, "\"}\n"),
      .headers = {}};
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> MakeAdminServer(
    const std::string& listen, boost::asio::io_context& loop,
    const Health& health, const Metrics& metrics, ProcessMetrics& process) {
  HttpServer::Options options;
  options.listen = listen;
  options.max_connections = 64;
  options.max_body = 1 << 10;
  options.max_body_memory = 64 << 10;
  std::vector<HttpRoute> routes = {
      {"GET", "/livez", [](const HttpRequest&) { return Live(); }},
      {"GET", "/readyz",
       [&health](const HttpRequest&) { return Ready(health); }},
      {"GET", "/metrics",
       [&metrics, &process](const HttpRequest&) {
         return Scrape(metrics, process);
       }},
      {"GET", "/version", [](const HttpRequest&) { return Version(); }},
  };
  return HttpServer::Create(options, loop, std::move(routes));
}

}  // namespace lamplighter
