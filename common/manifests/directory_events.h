#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/posix/stream_descriptor.hpp"

namespace lamplighter {

// Tells that something has changed in directories, by inotify. Not what: who
// hears of it looks for himself. On the loop only.
//
// Directories are watched anew at each look, since a path may lead to another
// one by then:
//
//   events.Begin();
//   for (directory : ...) events.Watch(directory);  // before it is read
//   events.End();
class DirectoryEvents {
 public:
  // `loop` must outlive it. Where the kernel gives no inotify (few are allowed
  // to a user), it tells of nothing: see is_working().
  explicit DirectoryEvents(boost::asio::io_context& loop);
  DirectoryEvents(const DirectoryEvents&) = delete;
  DirectoryEvents& operator=(const DirectoryEvents&) = delete;

  void Begin();
  // Entries that come, go, or have been written; the directory itself too. Only
  // those of the name `only`, if there is one. A path that is none is passed
  // over: whoever reads it will notice.
  void Watch(const std::string& directory, const std::string& only = "");
  // What was not named since Begin() is watched no longer.
  void End();

  // False if some directory could not be watched, so that one has to look.
  bool is_working() const { return is_working_; }

  // Waits for an event, of which many may have happened since. Cancelled if
  // cancelled; FailedPrecondition without inotify.
  boost::asio::awaitable<absl::Status> Wait();

 private:
  // Takes in all that has happened; whether any of it matters.
  bool Drain();

  boost::asio::posix::stream_descriptor inotify_;
  bool is_working_ = true;
  absl::flat_hash_map<int, std::string> watched_;  // to the name that matters
  absl::flat_hash_set<int> named_;                 // since Begin()
};

}  // namespace lamplighter
