#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/json/object.hpp"
#include "common/async/sleeper.h"
#include "common/kubernetes/kubernetes_client.h"
#include "prometheus/counter.h"

namespace lamplighter {

// Who hears of objects. Calls come from within the HttpClient: they must
// neither send nor destroy.
class ObjectListener {
 public:
  virtual ~ObjectListener() = default;

  // A list begins. What it does not tell of until OnListed() is gone; if
  // another OnListBegin() comes first, it was broken off and says nothing.
  virtual void OnListBegin() = 0;
  virtual void OnListed() = 0;
  // An object as it is now.
  virtual void OnObject(boost::json::object object) = 0;
  virtual void OnDeleted(const boost::json::object& object) = 0;
  // The server has just said that there is no more to know.
  virtual void OnInTouch() = 0;
  // Nothing is heard at present, and why. The watch goes on trying.
  virtual void OnError(const absl::Status& why) = 0;
};

// How often watches had to begin anew, by why.
struct WatchRestarts {
  prometheus::Counter& ended;   // the server's usual end of a watch
  prometheus::Counter& gone;    // 410: everything is listed again
  prometheus::Counter& failed;  // anything else
};

// Follows the objects of one resource: lists them page by page, watches from
// there on, goes on where a watch was dropped, and lists again where the server
// no longer knows that place. On the loop only.
class ObjectWatch {
 public:
  struct Options {
    std::string group;                  // "" for the core
    std::string resource;               // "alerts"
    std::vector<std::string> versions;  // the first is tried without asking
    std::string namespace_;             // all if empty
    std::string field_selector;
    int page = 250;  // objects a request; fewer where they are large
    absl::Duration first_delay = absl::Seconds(1);  // after a failure; doubles
    absl::Duration max_delay = absl::Seconds(30);
    absl::Duration watch_time = absl::Minutes(5);  // up to twice that
  };

  // All must outlive it.
  ObjectWatch(Options options, KubernetesClient& client, Sleeper& sleeper,
              WatchRestarts restarts, ObjectListener& listener);

  // Until it is cancelled.
  boost::asio::awaitable<void> Run();

  // One step of it: a whole list, if one is due, or else one watch. OK once
  // that has ended as it should; the next step mends what can be mended.
  boost::asio::awaitable<absl::Status> Step();

  // "alerts.notification.toolkit.fluxcd.io in namespace flux-system".
  std::string Description() const;

 private:
  boost::asio::awaitable<absl::Status> List();
  boost::asio::awaitable<absl::Status> ListPages();
  boost::asio::awaitable<absl::Status> Watch();
  absl::Status OnLine(absl::string_view line);
  absl::Status TakeItems(boost::json::object& list);
  // What is wrong, with what to do about it.
  absl::Status Explain(absl::string_view verb, const absl::Status& why) const;
  absl::Duration NextDelay();
  std::string Path() const;

  const Options options_;
  KubernetesClient& client_;
  Sleeper& sleeper_;
  const WatchRestarts restarts_;
  ObjectListener& listener_;
  absl::BitGen random_;
  std::string version_;
  int page_;
  std::string resource_version_;  // to watch from; empty: a list is due
  int failures_ = 0;  // in a row, since something was last heard in a watch
};

}  // namespace lamplighter
