#include "common/http/curl_driver.h"

#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "boost/asio/associated_cancellation_slot.hpp"
#include "boost/asio/async_result.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/use_awaitable.hpp"
#include <sys/epoll.h>

namespace lamplighter {
namespace {

namespace asio = boost::asio;
using ::boost::system::error_code;

}  // namespace

absl::StatusOr<std::shared_ptr<CurlDriver>> CurlDriver::Create(
    size_t max_connections, size_t max_connections_per_host,
    asio::io_context& loop) {
  static const CURLcode kReady = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kReady != CURLE_OK) return absl::InternalError("libcurl");
  auto driver = std::make_shared<CurlDriver>(loop);
  CURLM* multi = driver->multi_ = curl_multi_init();
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (multi == nullptr || epoll < 0)
    return absl::InternalError("libcurl: no resources");
  error_code error;
  driver->epoll_.assign(epoll, error);
  if (error) return absl::InternalError(error.message());
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &OnSocket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, driver.get());
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &OnTimer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, driver.get());
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                    static_cast<long>(max_connections));
  curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                    static_cast<long>(max_connections));
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                    static_cast<long>(max_connections_per_host));
  return driver;
}

CurlDriver::CurlDriver(asio::io_context& loop)
    : loop_(loop), epoll_(loop), timer_(loop) {}

CurlDriver::~CurlDriver() {
  Shutdown();
  for (CURL* easy : idle_) curl_easy_cleanup(easy);
}

CurlDriver::Handle CurlDriver::TakeHandle() {
  CURL* easy = nullptr;
  if (idle_.empty()) {
    easy = curl_easy_init();
  } else {
    easy = idle_.back();
    idle_.pop_back();
    curl_easy_reset(easy);
  }
  return Handle(easy, GiveBack{shared_from_this()});
}

asio::awaitable<CURLcode> CurlDriver::Perform(CURL* easy) {
  auto begin = [](auto handler, std::shared_ptr<CurlDriver> self, CURL* easy) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) {
      slot.assign([driver = self.get(), easy](asio::cancellation_type) {
        driver->Finish(easy, CURLE_ABORTED_BY_CALLBACK);
      });
    }
    const auto executor = asio::get_associated_executor(handler);
    // Always by way of the loop: what awaits may do as it likes, and it must
    // not do so from within libcurl.
    self->Begin(easy, [handler = std::move(handler), executor,
                       slot](CURLcode code) mutable {
      asio::post(executor,
                 [handler = std::move(handler), slot, code]() mutable {
                   slot.clear();
                   std::move(handler)(code);
                 });
    });
  };
  return asio::async_initiate<const asio::use_awaitable_t<>, void(CURLcode)>(
      std::move(begin), asio::use_awaitable, shared_from_this(), easy);
}

void CurlDriver::Shutdown() {
  if (multi_ == nullptr) return;
  while (!under_way_.empty())
    Finish(under_way_.begin()->first, CURLE_ABORTED_BY_CALLBACK);
  curl_multi_cleanup(std::exchange(multi_, nullptr));
  timer_.cancel();
  error_code ignored;
  epoll_.close(ignored);
}

void CurlDriver::Begin(CURL* easy, Done done) {
  under_way_.emplace(easy, std::move(done));
  if (multi_ == nullptr || curl_multi_add_handle(multi_, easy) != CURLM_OK)
    return Finish(easy, CURLE_ABORTED_BY_CALLBACK);
  Wait();
}

void CurlDriver::Finish(CURL* easy, CURLcode code) {
  const auto found = under_way_.find(easy);
  if (found == under_way_.end()) return;
  Done done = std::move(found->second);
  under_way_.erase(found);
  if (multi_ != nullptr) curl_multi_remove_handle(multi_, easy);
  // A loop with nothing else to do may end.
  error_code ignored;
  if (under_way_.empty() && waiting_) epoll_.cancel(ignored);
  done(code);
}

void CurlDriver::Wait() {
  if (waiting_ || under_way_.empty()) return;
  waiting_ = true;
  epoll_.async_wait(asio::posix::stream_descriptor::wait_read,
                    [self = shared_from_this()](error_code error) {
                      self->waiting_ = false;
                      if (self->multi_ == nullptr) return;
                      if (!error) self->HandleEvents();
                      self->Wait();
                    });
}

void CurlDriver::HandleEvents() {
  std::array<epoll_event, 64> events;
  const int n =
      epoll_wait(epoll_.native_handle(), events.data(), events.size(), 0);
  for (int i = 0; i < n; ++i) {
    int what = 0;
    if (events[i].events & (EPOLLIN | EPOLLHUP)) what |= CURL_CSELECT_IN;
    if (events[i].events & EPOLLOUT) what |= CURL_CSELECT_OUT;
    if (events[i].events & EPOLLERR) what |= CURL_CSELECT_ERR;
    int running = 0;
    curl_multi_socket_action(multi_, events[i].data.fd, what, &running);
  }
  CollectFinished();
}

void CurlDriver::HandleTimeout() {
  if (multi_ == nullptr) return;
  int running = 0;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  CollectFinished();
}

void CurlDriver::CollectFinished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE)
      Finish(message->easy_handle, message->data.result);
  }
}

int CurlDriver::OnSocket(CURL* /*easy*/, curl_socket_t socket, int what,
                         void* self, void* known) {
  auto* driver = static_cast<CurlDriver*>(self);
  const int epoll = driver->epoll_.native_handle();
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  event.data.fd = socket;
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  epoll_ctl(epoll, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket,
            &event);
  if (known == nullptr) curl_multi_assign(driver->multi_, socket, driver);
  return 0;
}

int CurlDriver::OnTimer(CURLM* /*multi*/, long milliseconds,  // NOLINT
                        void* self) {
  auto* driver = static_cast<CurlDriver*>(self);
  driver->timer_.cancel();
  if (milliseconds < 0) return 0;
  // libcurl must not be called from its own callbacks, not even for "now".
  if (milliseconds == 0) {
    asio::post(driver->loop_, [weak = driver->weak_from_this()] {
      if (const auto alive = weak.lock()) alive->HandleTimeout();
    });
    return 0;
  }
  driver->timer_.expires_after(std::chrono::milliseconds(milliseconds));
  driver->timer_.async_wait(
      [weak = driver->weak_from_this()](error_code error) {
        const auto alive = weak.lock();
        if (alive && !error) alive->HandleTimeout();
      });
  return 0;
}

}  // namespace lamplighter
