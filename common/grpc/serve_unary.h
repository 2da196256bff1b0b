#pragma once

#include <exception>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/bind_cancellation_slot.hpp"
#include "boost/asio/cancellation_signal.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/post.hpp"
#include "common/grpc/status.h"
#include "grpcpp/support/server_callback.h"

namespace lamplighter {

// Answers a callback-API unary call by running `handler` on the loop, never on
// a gRPC thread, and finishing the call with the status it returns. One thread
// runs the loop.
//
// The request and response outlive the handler. If the client cancels or its
// deadline passes, what the handler awaits is cancelled. An exception that
// escapes the handler becomes INTERNAL and is not shown to the client.
inline grpc::ServerUnaryReactor* ServeUnary(
    const boost::asio::any_io_executor& loop,
    boost::asio::awaitable<absl::Status> handler) {
  namespace asio = boost::asio;
  // Outlives the reactor, because a posted cancellation may run after OnDone.
  auto cancel = std::make_shared<asio::cancellation_signal>();

  class Reactor final : public grpc::ServerUnaryReactor {
   public:
    Reactor(asio::any_io_executor loop,
            std::shared_ptr<asio::cancellation_signal> cancel)
        : loop_(std::move(loop)), cancel_(std::move(cancel)) {}
    void OnCancel() override {
      asio::post(loop_, [cancel = cancel_] {
        cancel->emit(asio::cancellation_type::all);
      });
    }
    void OnDone() override { delete this; }

   private:
    const asio::any_io_executor loop_;
    const std::shared_ptr<asio::cancellation_signal> cancel_;
  };

  auto* reactor = new Reactor(loop, cancel);  // gRPC owns it until OnDone
  auto finish = [reactor, cancel](const std::exception_ptr& error,
                                  const absl::Status& status) {
    reactor->Finish(ToGrpcStatus(error ? StatusFromException(error) : status));
  };
  asio::co_spawn(
      loop, std::move(handler),
      asio::bind_cancellation_slot(cancel->slot(), std::move(finish)));
  return reactor;
}

}  // namespace lamplighter
