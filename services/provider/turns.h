#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/node_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/steady_timer.hpp"

namespace lamplighter::provider {

// Lets so many work with one credential at once; others wait for their turn, in
// the order they came. On the loop only; turns may outlive it.
class Turns {
  struct Waiter {
    boost::asio::steady_timer timer;
    bool has_turn = false;
  };
  struct Line {
    size_t working = 0;
    std::list<Waiter*> waiting;
  };
  // By credential; none where nobody works.
  using Lines = absl::node_hash_map<std::string, Line>;

 public:
  // One's turn. It ends with this.
  class Turn {
   public:
    Turn(Turn&&) = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn();

   private:
    friend class Turns;
    Turn(std::weak_ptr<Lines> lines, std::string credential)
        : lines_(std::move(lines)), credential_(std::move(credential)) {}

    std::weak_ptr<Lines> lines_;  // empty once moved from
    std::string credential_;
  };

  // `at_once` of a credential work, `max_waiting` of it wait.
  Turns(size_t at_once, size_t max_waiting)
      : at_once_(at_once), max_waiting_(max_waiting) {}

  // Waits at most `wait`, which is real time.
  //   Unavailable  as many wait as may, or it did not come in time;
  //   Cancelled    the awaiting coroutine was cancelled.
  boost::asio::awaitable<absl::StatusOr<Turn>> Take(std::string credential,
                                                    absl::Duration wait);

 private:
  const size_t at_once_;
  const size_t max_waiting_;
  const std::shared_ptr<Lines> lines_ = std::make_shared<Lines>();
};

}  // namespace lamplighter::provider
