#include "common/async/task_group.h"

#include <exception>
#include <list>
#include <utility>
#include <vector>

#include "boost/asio/as_tuple.hpp"
#include "boost/asio/bind_cancellation_slot.hpp"
#include "boost/asio/cancellation_signal.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/error.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "boost/system/system_error.hpp"
#include "common/log/log.h"

namespace lamplighter {

namespace asio = boost::asio;

namespace {

constexpr absl::Duration kCancelLimit = absl::Seconds(5);

void LogEscaped(const std::string& group, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const boost::system::system_error& e) {
    // How Asio ends a task that was cancelled.
    if (e.code() == asio::error::operation_aborted) return;
    LAMPLIGHTER_LOG(kError, "task failed")
        .With("group", group)
        .With("error", e.what());
  } catch (const std::exception& e) {
    LAMPLIGHTER_LOG(kError, "task failed")
        .With("group", group)
        .With("error", e.what());
  } catch (...) {
    LAMPLIGHTER_LOG(kError, "task failed").With("group", group);
  }
}

}  // namespace

struct TaskGroup::State {
  State(asio::any_io_executor executor, std::string group)
      : loop(std::move(executor)), name(std::move(group)), ended(loop) {}

  void CancelAll() {
    // A copy, since tasks that end at once leave the list.
    const std::vector<std::shared_ptr<asio::cancellation_signal>> signals(
        running.begin(), running.end());
    for (const auto& signal : signals) {
      signal->emit(asio::cancellation_type::all);
    }
  }

  asio::awaitable<void> WaitUntilEmpty(absl::Duration limit) {
    if (running.empty()) co_return;
    ended.expires_after(absl::ToChronoNanoseconds(limit));
    co_await ended.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  const asio::any_io_executor loop;
  const std::string name;
  std::list<std::shared_ptr<asio::cancellation_signal>> running;
  asio::steady_timer ended;  // cancelled when the last task has ended
  bool closed = false;
};

TaskGroup::TaskGroup(asio::any_io_executor loop, std::string name)
    : state_(std::make_shared<State>(std::move(loop), std::move(name))) {}

TaskGroup::~TaskGroup() {
  state_->closed = true;
  state_->CancelAll();
}

void TaskGroup::Spawn(asio::awaitable<void> task) {
  if (state_->closed) {
    LAMPLIGHTER_LOG(kError, "task comes too late").With("group", state_->name);
    return;
  }
  auto cancel = std::make_shared<asio::cancellation_signal>();
  const auto place = state_->running.insert(state_->running.end(), cancel);
  auto done = [state = state_, place](const std::exception_ptr& error) {
    if (error) LogEscaped(state->name, error);
    state->running.erase(place);
    if (state->running.empty()) state->ended.cancel();
  };
  asio::co_spawn(state_->loop, std::move(task),
                 asio::bind_cancellation_slot(cancel->slot(), std::move(done)));
}

size_t TaskGroup::size() const { return state_->running.size(); }

asio::awaitable<void> TaskGroup::Drain(absl::Duration limit) {
  const std::shared_ptr<State> state = state_;
  co_await state->WaitUntilEmpty(limit);
  state->closed = true;
  if (state->running.empty()) co_return;
  if (limit > absl::ZeroDuration()) {
    LAMPLIGHTER_LOG(kWarning, "cancelling tasks")
        .With("group", state->name)
        .With("tasks", state->running.size());
  }
  state->CancelAll();
  co_await state->WaitUntilEmpty(kCancelLimit);
  if (state->running.empty()) co_return;
  LAMPLIGHTER_LOG(kError, "tasks ignore their cancellation")
      .With("group", state->name)
      .With("tasks", state->running.size());
}

}  // namespace lamplighter
