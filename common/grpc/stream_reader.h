#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/associated_cancellation_slot.hpp"
#include "boost/asio/async_result.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/grpc/status.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"

namespace lamplighter {

// Reads a server stream message by message, each when it is asked for: a slow
// reader slows the server.
//
//   StreamReader<v1::Request, v1::Response> reader(
//       request, deadline, [stub](auto*... call) {
//         stub->async()->List(call...);
//       });
//   while (true) {
//     CO_ASSIGN_OR_RETURN(auto message, co_await reader.Next());
//     if (!message.has_value()) break;
//   }
//
// On one executor only. What is destroyed before its end is cancelled.
template <typename Request, typename Response>
class StreamReader {
 public:
  // Begins the call on a stub that outlives the reader.
  using Start = std::function<void(grpc::ClientContext*, const Request*,
                                   grpc::ClientReadReactor<Response>*)>;

  StreamReader(Request request, absl::Time deadline, const Start& start)
      : call_(std::make_shared<Call>(std::move(request))) {
    call_->Begin(deadline, start, call_);
  }
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;
  ~StreamReader() { call_->Abandon(); }

  // The next message; none where the stream ended well. After an error or the
  // end it may not be called again. A cancelled wait cancels the call.
  boost::asio::awaitable<absl::StatusOr<absl::optional<Response>>> Next() {
    namespace asio = boost::asio;
    auto initiate = [call = call_](auto handler) {
      auto slot = asio::get_associated_cancellation_slot(handler);
      if (slot.is_connected()) {
        slot.assign([call](auto) { call->TryCancel(); });
      }
      auto work = asio::make_work_guard(handler);
      auto shared = std::make_shared<decltype(handler)>(std::move(handler));
      call->Read([shared, work](bool got) {
        asio::post(work.get_executor(),
                   [shared, got] { std::move (*shared)(got); });
      });
    };
    auto read = asio::async_initiate<const asio::use_awaitable_t<>, void(bool)>(
        initiate, asio::use_awaitable);
    const bool got = co_await std::move(read);
    if (got) co_return std::move(call_->message);
    if (!call_->status.ok()) co_return FromGrpcStatus(call_->status);
    co_return absl::nullopt;
  }

 private:
  // While its reader lives, a hold keeps gRPC from ending the call between two
  // reads.
  class Call final : public grpc::ClientReadReactor<Response> {
   public:
    explicit Call(Request request) : request_(std::move(request)) {}

    // `self` is kept until OnDone().
    void Begin(absl::Time deadline, const Start& start,
               std::shared_ptr<Call> self) {
      self_ = std::move(self);
      context_.set_deadline(absl::ToChronoTime(deadline));
      start(&context_, &request_, this);
      this->AddHold();
      this->StartCall();
    }

    void Read(std::function<void(bool got)> done) {
      {
        const std::lock_guard lock(mutex_);
        done_ = std::move(done);
        reading_ = true;
      }
      this->StartRead(&message);
    }

    void TryCancel() { context_.TryCancel(); }

    void Abandon() {
      TryCancel();
      {
        const std::lock_guard lock(mutex_);
        abandoned_ = true;
        done_ = nullptr;
      }
      ReleaseOnce();
    }

    void OnReadDone(bool ok) override {
      std::function<void(bool)> done;
      {
        const std::lock_guard lock(mutex_);
        reading_ = false;
        if (ok) done = std::exchange(done_, nullptr);
        over_ = !ok;
      }
      if (done) done(true);
      ReleaseOnce();
    }

    void OnDone(const grpc::Status& result) override {
      const std::shared_ptr<Call> self = std::move(self_);
      std::function<void(bool)> done;
      {
        const std::lock_guard lock(mutex_);
        status = result;
        done = std::exchange(done_, nullptr);
      }
      if (done) done(false);
    }

    Response message;
    grpc::Status status;

   private:
    // Gives the hold back once nothing will be read any more.
    void ReleaseOnce() {
      {
        const std::lock_guard lock(mutex_);
        if (released_ || reading_ || !(over_ || abandoned_)) return;
        released_ = true;
      }
      this->RemoveHold();
    }

    std::shared_ptr<Call> self_;
    const Request request_;
    grpc::ClientContext context_;
    std::mutex mutex_;
    std::function<void(bool got)> done_;  // of the read under way
    bool reading_ = false;
    bool over_ = false;       // the stream has no more messages
    bool abandoned_ = false;  // the reader is gone
    bool released_ = false;   // the hold
  };

  const std::shared_ptr<Call> call_;
};

}  // namespace lamplighter
