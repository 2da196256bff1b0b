#pragma once

#include <cstddef>
#include <deque>
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

// Reads a server stream message by message, each when it is asked for, or so
// many ahead as is said: a slow reader slows the server.
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

  // From the first Next() on, up to `read_ahead` messages that nobody has asked
  // for are read and kept.
  StreamReader(Request request, absl::Time deadline, const Start& start,
               size_t read_ahead = 0)
      : call_(std::make_shared<Call>(std::move(request), read_ahead)) {
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
      call->Await([shared, work] {
        asio::post(work.get_executor(), [shared] { std::move (*shared)(); });
      });
    };
    absl::optional<Response> arrived = call_->Take();
    if (!arrived.has_value()) {
      auto wait = asio::async_initiate<const asio::use_awaitable_t<>, void()>(
          initiate, asio::use_awaitable);
      co_await std::move(wait);
      arrived = call_->Take();
    }
    if (!arrived.has_value() && !call_->status.ok()) {
      co_return FromGrpcStatus(call_->status);
    }
    co_return std::move(arrived);
  }

  // The next message, if it was read ahead; does not wait. None says nothing of
  // the end: Next() does.
  absl::optional<Response> TakeArrived() { return call_->Take(); }

 private:
  // While its reader lives, a hold keeps gRPC from ending the call between two
  // reads.
  class Call final : public grpc::ClientReadReactor<Response> {
   public:
    Call(Request request, size_t read_ahead)
        : request_(std::move(request)), read_ahead_(read_ahead) {}

    // `self` is kept until OnDone().
    void Begin(absl::Time deadline, const Start& start,
               std::shared_ptr<Call> self) {
      self_ = std::move(self);
      context_.set_deadline(absl::ToChronoTime(deadline));
      start(&context_, &request_, this);
      this->AddHold();
      this->StartCall();
    }

    // Calls `done` once a message can be taken, or the call is over.
    void Await(std::function<void()> done) {
      {
        const std::lock_guard lock(mutex_);
        const bool is_ready = ended_ || !arrived_.empty();
        if (!is_ready) done_ = std::exchange(done, nullptr);
      }
      if (done != nullptr) {
        done();
      } else {
        ReadOn();
      }
    }

    absl::optional<Response> Take() {
      absl::optional<Response> message;
      {
        const std::lock_guard lock(mutex_);
        if (arrived_.empty()) return message;
        message = std::move(arrived_.front());
        arrived_.pop_front();
      }
      ReadOn();
      return message;
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
      std::function<void()> done;
      {
        const std::lock_guard lock(mutex_);
        reading_ = false;
        if (ok) {
          arrived_.push_back(std::move(message_));
          done = std::exchange(done_, nullptr);
        }
        over_ = !ok;
      }
      if (done) done();
      ReadOn();
      ReleaseOnce();
    }

    void OnDone(const grpc::Status& result) override {
      const std::shared_ptr<Call> self = std::move(self_);
      std::function<void()> done;
      {
        const std::lock_guard lock(mutex_);
        status = result;
        ended_ = true;
        done = std::exchange(done_, nullptr);
      }
      if (done) done();
    }

    grpc::Status status;  // once it has ended

   private:
    // Begins to read where there is room, or somebody waits.
    void ReadOn() {
      {
        const std::lock_guard lock(mutex_);
        const bool is_wanted =
            done_ != nullptr || arrived_.size() < read_ahead_;
        if (reading_ || over_ || abandoned_ || !is_wanted) return;
        reading_ = true;
      }
      this->StartRead(&message_);
    }

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
    const size_t read_ahead_;
    grpc::ClientContext context_;
    Response message_;  // that is being read
    std::mutex mutex_;
    std::deque<Response> arrived_;  // and nobody has taken
    std::function<void()> done_;    // of who waits
    bool reading_ = false;
    bool over_ = false;       // the stream has no more messages
    bool ended_ = false;      // and its status is known
    bool abandoned_ = false;  // the reader is gone
    bool released_ = false;   // the hold
  };

  const std::shared_ptr<Call> call_;
};

}  // namespace lamplighter
