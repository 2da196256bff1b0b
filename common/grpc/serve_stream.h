#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/async_result.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/bind_cancellation_slot.hpp"
#include "boost/asio/cancellation_signal.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/grpc/status.h"
#include "grpcpp/support/server_callback.h"

namespace lamplighter {

// Writes one message of a server stream and says when the next may be written:
// a slow client slows the handler. Cancelled where the client has gone. One
// write at a time.
template <typename Response>
using StreamWrite =
    std::function<boost::asio::awaitable<absl::Status>(Response message)>;

// Answers a callback-API server-streaming call as ServeUnary() answers a unary
// one: runs `handle(write)`, which gives the handler's coroutine, on the loop
// and finishes the call with the status that it returns. `write` is valid until
// then.
template <typename Response, typename Handle>
grpc::ServerWriteReactor<Response>* ServeStream(
    const boost::asio::any_io_executor& loop, Handle handle) {
  namespace asio = boost::asio;
  auto cancel = std::make_shared<asio::cancellation_signal>();

  class Reactor final : public grpc::ServerWriteReactor<Response> {
   public:
    Reactor(asio::any_io_executor loop,
            std::shared_ptr<asio::cancellation_signal> cancel)
        : loop_(std::move(loop)), cancel_(std::move(cancel)) {}

    asio::awaitable<absl::Status> Write(Response message) {
      message_ = std::move(message);
      auto initiate = [this](auto handler) {
        auto work = asio::make_work_guard(handler);
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        written_ = [shared, work](bool ok) {
          asio::post(work.get_executor(),
                     [shared, ok] { std::move (*shared)(ok); });
        };
        this->StartWrite(&message_);
      };
      auto write =
          asio::async_initiate<const asio::use_awaitable_t<>, void(bool)>(
              initiate, asio::use_awaitable);
      const bool ok = co_await std::move(write);
      if (ok) co_return absl::OkStatus();
      co_return absl::CancelledError("the client has gone");
    }

    void OnWriteDone(bool ok) override { std::exchange(written_, nullptr)(ok); }
    void OnCancel() override {
      asio::post(loop_, [cancel = cancel_] {
        cancel->emit(asio::cancellation_type::all);
      });
    }
    void OnDone() override { delete this; }

   private:
    const asio::any_io_executor loop_;
    const std::shared_ptr<asio::cancellation_signal> cancel_;
    Response message_;
    std::function<void(bool ok)> written_;
  };

  auto* reactor = new Reactor(loop, cancel);  // gRPC owns it until OnDone
  auto finish = [reactor, cancel](const std::exception_ptr& error,
                                  const absl::Status& status) {
    reactor->Finish(ToGrpcStatus(error ? StatusFromException(error) : status));
  };
  StreamWrite<Response> write = [reactor](Response message) {
    return reactor->Write(std::move(message));
  };
  asio::co_spawn(
      loop, handle(std::move(write)),
      asio::bind_cancellation_slot(cancel->slot(), std::move(finish)));
  return reactor;
}

}  // namespace lamplighter
