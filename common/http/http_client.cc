#include "common/http/http_client.h"

#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/curl_driver.h"
#include "common/http/curl_transfer.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

using ::boost::asio::awaitable;

constexpr int kMaxRedirects = 3;

// How long the transfer that `easy` last did took.
absl::Duration TimeTaken(CURL* easy) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &microseconds);
  return absl::Microseconds(microseconds);
}

// The driver comes along, so that the client may go while this waits.
awaitable<absl::StatusOr<HttpResult>> SendOn(std::shared_ptr<CurlDriver> driver,
                                             CurlHttpClient::Options options,
                                             HttpCall call) {
  if (driver->under_way() >= options.max_requests)
    co_return absl::UnavailableError("too many requests under way");
  for (int redirects = 0;; ++redirects) {
    const CurlDriver::Handle easy = driver->TakeHandle();
    if (easy == nullptr) co_return absl::UnavailableError("out of memory");
    CurlTransfer transfer(easy.get(), call);
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        transfer.Prepare(options.user_agent, call.timeout));
    const CURLcode code = co_await driver->Perform(easy.get());
    absl::optional<std::string> next;
    if (code == CURLE_OK && redirects < kMaxRedirects)
      next = transfer.RedirectUrl();
    if (!next) co_return transfer.TakeResult(code);
    call.url = *std::move(next);
    call.timeout -= TimeTaken(easy.get());
  }
}

class LibcurlHttpClient final : public HttpClient {
 public:
  LibcurlHttpClient(const CurlHttpClient::Options& options,
                    std::shared_ptr<CurlDriver> driver)
      : options_(options), driver_(std::move(driver)) {}
  ~LibcurlHttpClient() override { driver_->Shutdown(); }

  awaitable<absl::StatusOr<HttpResult>> Send(HttpCall call) override {
    return SendOn(driver_, options_, std::move(call));
  }

 private:
  const CurlHttpClient::Options options_;
  const std::shared_ptr<CurlDriver> driver_;
};

// With CURLOPT_NOSIGNAL libcurl leaves SIGPIPE alone, and OpenSSL writes to
// sockets without MSG_NOSIGNAL: a peer that hangs up would end the process.
void IgnoreBrokenPipes() {
  struct sigaction current{};
  if (sigaction(SIGPIPE, nullptr, &current) == 0 &&
      current.sa_handler == SIG_DFL) {
    current.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &current, nullptr);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpClient>> CurlHttpClient::Create(
    const Options& options, boost::asio::io_context& loop) {
  IgnoreBrokenPipes();
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      std::shared_ptr<CurlDriver> driver,
      CurlDriver::Create(options.max_requests, options.max_connections_per_host,
                         loop));
  return std::make_unique<LibcurlHttpClient>(options, std::move(driver));
}

}  // namespace lamplighter
