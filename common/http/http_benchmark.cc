// What one request costs the loop of the server, and that of the client,
// without any work behind it: 8 KB POSTs on kept connections, answered 202. The
// other side runs on another thread, outside the figure. Usage: http_benchmark
// [requests [connections]]
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/asio/write.hpp"
#include "common/http/http_client.h"
#include "common/http/http_server.h"
#include <sys/resource.h>

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::boost::asio::ip::tcp;
constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr char kPath[] = "/api/events-handler/v1/events/github";

asio::awaitable<HttpResponse> Accepted(HttpRequest /*request*/) {
  HttpResponse response;
  response.status = 202;
  co_return response;
}

// The header that GitHub sends.
std::string Request() {
  std::string request =
      "POST /api/events-handler/v1/events/github HTTP/1.1\r\n"
      "Host: lamplighter.example.com\r\nUser-Agent: GitHub-Hookshot/7a1b2c3\r\n"
      "Accept: */*\r\nContent-Type: application/json\r\n"
      "Content-Length: 8192\r\nX-GitHub-Event: push\r\n"
      "X-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958\r\n"
      "X-GitHub-Hook-ID: 292430182\r\n"
      "X-GitHub-Hook-Installation-Target-ID: 79929171\r\n"
      "X-GitHub-Hook-Installation-Target-Type: repository\r\n"
      "X-Hub-Signature: sha1=7d38cdd689735b008b3c702edd92eea23791c5f6\r\n"
      "X-Hub-Signature-256: sha256=d57c68ca6f92289e6987922ff26938930f6e66a2d161"
      "ef06abdf1859230aa23c\r\n\r\n";
  return request.append(8192, 'x');
}

asio::awaitable<void> Post(asio::io_context& loop, uint16_t port,
                           const std::string& request, int& left) {
  tcp::socket socket(loop);
  co_await socket.async_connect({asio::ip::address_v4::loopback(), port},
                                kAsTuple);
  socket.set_option(tcp::no_delay(true));
  std::array<char, 1024> answer;
  while (left-- > 0) {
    co_await asio::async_write(socket, asio::buffer(request), kAsTuple);
    const auto [error, n] =
        co_await socket.async_read_some(asio::buffer(answer), kAsTuple);
    if (error) std::abort();
  }
}

double CpuMicroseconds() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

std::unique_ptr<HttpServer> MakeServer(asio::io_context& loop) {
  HttpServer::Options options;
  options.listen = "127.0.0.1:0";
  auto server = HttpServer::Create(options, loop, {{"POST", kPath, &Accepted}});
  if (!server.ok()) std::abort();
  (*server)->Start();
  return *std::move(server);
}

double MeasureServer(int requests, int connections) {
  asio::io_context loop{1};
  const auto server = MakeServer(loop);
  std::thread client([&, port = server->port()] {
    asio::io_context client_loop{1};
    const std::string request = Request();
    int left = requests;
    for (int i = 0; i < connections; ++i)
      asio::co_spawn(client_loop, Post(client_loop, port, request, left),
                     asio::detached);
    client_loop.run();
    asio::post(loop, [&] { loop.stop(); });
  });
  const double before = CpuMicroseconds();
  loop.run();
  const double used = CpuMicroseconds() - before;
  client.join();
  return used / requests;
}

asio::awaitable<void> Send(HttpClient& client, uint16_t port, int& left) {
  while (left-- > 0) {
    HttpCall call;
    call.method = "POST";
    call.url = absl::StrCat("http://127.0.0.1:", port, kPath);
    call.headers.Add("Content-Type", "application/json");
    call.headers.Add("Authorization", "Bearer 0123456789");
    call.body.assign(200, 'x');
    const auto result = co_await client.Send(std::move(call));
    if (!result.ok()) std::abort();
  }
}

double MeasureClient(int requests, int connections) {
  asio::io_context server_loop{1};
  const auto server = MakeServer(server_loop);
  std::thread thread([&] { server_loop.run(); });
  asio::io_context loop{1};
  const auto client = CurlHttpClient::Create({}, loop);
  if (!client.ok()) std::abort();
  int left = requests;
  for (int i = 0; i < connections; ++i)
    asio::co_spawn(loop, Send(**client, server->port(), left), asio::detached);
  const double before = CpuMicroseconds();
  loop.run();
  const double used = CpuMicroseconds() - before;
  server_loop.stop();
  thread.join();
  return used / requests;
}

}  // namespace
}  // namespace lamplighter

int main(int argc, char** argv) {
  const int requests = argc > 1 ? std::atoi(argv[1]) : 200000;
  const int connections = argc > 2 ? std::atoi(argv[2]) : 64;
  std::printf("server, 8 KB POST: %.2f CPU us a request\n",
              lamplighter::MeasureServer(requests, connections));
  std::printf("client, 200 B POST, 32 at once: %.2f CPU us a request\n",
              lamplighter::MeasureClient(requests / 4, 32));
}
