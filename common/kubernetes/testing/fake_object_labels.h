#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/kubernetes/object_labels.h"

namespace lamplighter {

// Knows the objects that a test has told it of. An answer never comes before
// the caller has suspended once, as in production.
class FakeObjectLabels final : public ObjectLabels {
 public:
  void Set(const std::string& kind, const std::string& namespace_,
           const std::string& name, Labels labels) {
    labels_[{kind, namespace_, name}] = std::move(labels);
  }
  // From now on every look-up ends so; OK for the usual answers.
  void Fail(absl::Status status) { failure_ = std::move(status); }
  int lookups() const { return lookups_; }

  boost::asio::awaitable<absl::StatusOr<std::shared_ptr<const Labels>>> Find(
      ObjectReference object) override {
    ++lookups_;
    co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                               boost::asio::use_awaitable);
    if (!failure_.ok()) co_return failure_;
    const auto found =
        labels_.find({object.kind, object.namespace_, object.name});
    if (found == labels_.end()) co_return absl::NotFoundError("no such object");
    co_return std::make_shared<const Labels>(found->second);
  }

 private:
  std::map<std::tuple<std::string, std::string, std::string>, Labels> labels_;
  absl::Status failure_;
  int lookups_ = 0;
};

}  // namespace lamplighter
