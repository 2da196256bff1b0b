#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/awaitable.hpp"

namespace lamplighter {

// Coroutines that run by themselves and that a stop must wait for. The one
// place where work is spawned without an awaiter. On the loop only.
class TaskGroup {
 public:
  // `name` stands in the log.
  TaskGroup(boost::asio::any_io_executor loop, std::string name);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  // Cancels what still runs, without waiting: Drain() first, since the tasks
  // may refer to what is destroyed next.
  ~TaskGroup();

  // Begins `task` at the loop's next turn. An exception that escapes it is
  // logged, and the group goes on. After Drain() it is dropped and logged.
  void Spawn(boost::asio::awaitable<void> task);

  size_t size() const;

  // Waits up to `limit` for all tasks, those that they spawn meanwhile
  // included, then cancels what is left and waits up to 5 s for that to end;
  // what ignores its cancellation is logged. Call once; with no time at all for
  // tasks that never end by themselves.
  boost::asio::awaitable<void> Drain(absl::Duration limit);

 private:
  struct State;
  // Shared with the tasks: one that ignores its cancellation may outlive this.
  const std::shared_ptr<State> state_;
};

}  // namespace lamplighter
