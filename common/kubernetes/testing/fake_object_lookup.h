#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/kubernetes/object_lookup.h"

namespace lamplighter {

// Knows the objects that a test has told it of. An answer never comes before
// the caller has suspended once, as in production.
class FakeObjectLookup final : public ObjectLookup {
 public:
  // An object with these labels, made from the repository at that URL; from
  // none if it is empty.
  void Set(const std::string& kind, const std::string& namespace_,
           const std::string& name, Labels labels, std::string url = "") {
    objects_[{kind, namespace_, name}] = {std::move(labels), std::move(url)};
  }
  // The next look-ups end so.
  void FailNext(absl::Status error, int times = 1) {
    failure_ = std::move(error);
    failures_ = times;
  }
  // From now on no answer comes, until Release().
  void Hold() { held_ = true; }
  void Release() {
    held_ = false;
    if (wake_ != nullptr) wake_->cancel();
  }
  int label_lookups() const { return label_lookups_; }
  int repository_lookups() const { return repository_lookups_; }

  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<const Labels>>>
  FindLabels(ObjectReference object) override {
    ++label_lookups_;
    const absl::StatusOr<Object> found = co_await Find(object);
    if (!found.ok()) co_return found.status();
    co_return std::make_shared<const Labels>(found->labels);
  }

  boost::asio::awaitable<absl::StatusOr<std::string>> FindRepository(
      ObjectReference object) override {
    ++repository_lookups_;
    const absl::StatusOr<Object> found = co_await Find(object);
    if (!found.ok()) co_return found.status();
    if (found->url.empty()) co_return absl::NotFoundError("no repository");
    co_return found->url;
  }

 private:
  struct Object {
    Labels labels;
    std::string url;
  };

  boost::asio::awaitable<absl::StatusOr<Object>> Find(ObjectReference object) {
    const auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
    if (held_ && wake_ == nullptr) {
      wake_ = std::make_unique<boost::asio::steady_timer>(
          executor, boost::asio::steady_timer::time_point::max());
    }
    while (held_) {
      co_await wake_->async_wait(
          boost::asio::as_tuple(boost::asio::use_awaitable));
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (state.cancelled() != boost::asio::cancellation_type::none) {
        co_return absl::CancelledError("look-up cancelled");
      }
    }
    if (failures_ > 0) {
      --failures_;
      co_return failure_;
    }
    const auto found =
        objects_.find({object.kind, object.namespace_, object.name});
    if (found == objects_.end())
      co_return absl::NotFoundError("no such object");
    co_return found->second;
  }

  std::map<std::tuple<std::string, std::string, std::string>, Object> objects_;
  absl::Status failure_;
  int failures_ = 0;  // to come
  bool held_ = false;
  std::unique_ptr<boost::asio::steady_timer> wake_;  // cancelled by Release()
  int label_lookups_ = 0;
  int repository_lookups_ = 0;
};

}  // namespace lamplighter
