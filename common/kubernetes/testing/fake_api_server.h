#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/cancellation_type.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/http/http_client.h"
#include "common/kubernetes/cluster_config.h"

namespace lamplighter {

// An API server behind an HttpClient: keeps objects, lists them in pages,
// watches from any version it still knows, and fails as it is told to.
class FakeApiServer final : public HttpClient {
 public:
  explicit FakeApiServer(boost::asio::io_context& loop) : loop_(loop) {}

  static ClusterConfig Cluster() {
    ClusterConfig config;
    config.server = "https://cluster.example";
    return config;
  }

  // `fields` follow the metadata: "\"spec\": {…}".
  void Put(const std::string& resource, const std::string& namespace_,
           const std::string& name, const std::string& fields) {
    const Key key(resource, namespace_, name);
    const bool known = objects_.contains(key);
    const std::string object = absl::StrCat(
        R"({"metadata":{"namespace":")", namespace_, R"(","name":")", name,
        R"(","uid":"11112222-aa","resourceVersion":")", ++version_, R"("},)",
        fields, "}");
    objects_[key] = object;
    Happen(known ? "MODIFIED" : "ADDED", resource, namespace_, object);
  }
  void Delete(const std::string& resource, const std::string& namespace_,
              const std::string& name) {
    objects_.erase({resource, namespace_, name});
    Happen("DELETED", resource, namespace_,
           absl::StrCat(R"({"metadata":{"namespace":")", namespace_,
                        R"(","name":")", name, R"(","resourceVersion":")",
                        ++version_, R"("}})"));
  }

  // Ends every watch, as a broken connection does.
  void DropWatches() {
    ++drops_;
    WakeAll();
  }
  // Versions up to now are 410 Gone from now on.
  void Compact() { oldest_ = version_; }
  // Every call ends so; OK for the usual answers. Ends the watches too.
  void Fail(absl::Status status) {
    failure_ = std::move(status);
    DropWatches();
  }
  void Deny(const std::string& resource) { denied_.insert(resource); }
  void Allow(const std::string& resource) { denied_.erase(resource); }

  // "GET <path and query>" of every call.
  const std::vector<std::string>& calls() const { return calls_; }
  size_t watches() const { return watches_.size(); }

  boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(
      HttpCall call) override {
    const std::string path =
        call.url.substr(std::string("https://cluster.example").size());
    calls_.push_back(path);
    co_await boost::asio::post(loop_, boost::asio::use_awaitable);
    if (!failure_.ok()) co_return failure_;
    const Target target = Parse(path);
    if (denied_.contains(target.resource)) {
      co_return Error(403, absl::StrCat(target.resource, " is forbidden"));
    }
    if (!target.query.contains("watch")) co_return List(target);
    int64_t from = 0;
    if (!absl::SimpleAtoi(target.query.at("resourceVersion"), &from)) {
      co_return Error(400, "bad resourceVersion");
    }
    if (from < oldest_) co_return Error(410, "too old resource version");
    co_return co_await Watch(std::move(call), target, from);
  }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;
  struct Target {
    std::string resource;
    std::string namespace_;  // all if empty
    std::map<std::string, std::string> query;
  };
  struct Event {
    int64_t version;
    std::string resource;
    std::string namespace_;
    std::string line;
  };

  static Target Parse(const std::string& path) {
    Target target;
    const std::vector<std::string> halves = absl::StrSplit(path, '?');
    const std::vector<std::string> parts = absl::StrSplit(halves[0], '/');
    target.resource = parts.back();
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      if (parts[i] == "namespaces") target.namespace_ = parts[i + 1];
    }
    if (halves.size() < 2) return target;
    for (const absl::string_view pair : absl::StrSplit(halves[1], '&')) {
      const std::pair<std::string, std::string> split =
          absl::StrSplit(pair, absl::MaxSplits('=', 1));
      target.query.insert(split);
    }
    return target;
  }

  static HttpResult Error(int code, const std::string& message) {
    return {code,
            {},
            absl::StrCat(R"({"kind":"Status","code":)", code, R"(,"message":")",
                         message, "\"}")};
  }

  HttpResult List(const Target& target) const {
    size_t limit = 0;
    size_t skip = 0;
    (void)absl::SimpleAtoi(target.query.at("limit"), &limit);
    if (const auto it = target.query.find("continue");
        it != target.query.end()) {
      (void)absl::SimpleAtoi(it->second, &skip);
    }
    std::vector<std::string> items;
    for (const auto& [key, object] : objects_) {
      if (std::get<0>(key) == target.resource &&
          (target.namespace_.empty() ||
           std::get<1>(key) == target.namespace_)) {
        items.push_back(object);
      }
    }
    const size_t end = std::min(items.size(), skip + limit);
    const std::string next =
        end < items.size() ? absl::StrCat(end) : std::string();
    return {200,
            {},
            absl::StrCat(
                R"({"metadata":{"resourceVersion":")", version_,
                R"(","continue":")", next, R"("},"items":[)",
                absl::StrJoin(items.begin() + static_cast<int64_t>(skip),
                              items.begin() + static_cast<int64_t>(end), ","),
                "]}")};
  }

  void Happen(const std::string& type, const std::string& resource,
              const std::string& namespace_, const std::string& object) {
    events_.push_back(
        {version_, resource, namespace_,
         absl::StrCat(R"({"type":")", type, R"(","object":)", object, "}\n")});
    WakeAll();
  }

  void WakeAll() {
    for (boost::asio::steady_timer* watch : watches_) watch->cancel();
  }

  boost::asio::awaitable<absl::StatusOr<HttpResult>> Watch(HttpCall call,
                                                           Target target,
                                                           int64_t from) {
    const int drops = drops_;
    for (;;) {
      if (drops != drops_) {
        co_return absl::DeadlineExceededError("connection broke");
      }
      for (const Event& event : events_) {
        if (event.version <= from || event.resource != target.resource ||
            !(target.namespace_.empty() ||
              event.namespace_ == target.namespace_)) {
          continue;
        }
        from = event.version;
        if (absl::Status refused = call.on_body(event.line); !refused.ok()) {
          co_return refused;
        }
      }
      boost::asio::steady_timer timer(
          loop_, boost::asio::steady_timer::time_point::max());
      watches_.push_back(&timer);
      co_await timer.async_wait(
          boost::asio::as_tuple(boost::asio::use_awaitable));
      watches_.remove(&timer);
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (state.cancelled() != boost::asio::cancellation_type::none) {
        co_return absl::CancelledError("request cancelled");
      }
    }
  }

  boost::asio::io_context& loop_;
  std::map<Key, std::string> objects_;
  std::vector<Event> events_;
  std::list<boost::asio::steady_timer*> watches_;
  std::set<std::string> denied_;
  std::vector<std::string> calls_;
  absl::Status failure_;
  int64_t version_ = 100;
  int64_t oldest_ = 0;
  int drops_ = 0;
};

}  // namespace lamplighter
