#include "services/dispatcher/status_service/send_all.h"

#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "boost/asio/as_tuple.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/this_coro.hpp"
#include "boost/asio/use_awaitable.hpp"

namespace lamplighter::dispatcher {
namespace {

namespace asio = ::boost::asio;

// Shared with the callbacks, which come even if nobody waits any more.
struct Sending {
  explicit Sending(const asio::any_io_executor& executor)
      : all_known(executor, asio::steady_timer::time_point::max()) {}
  std::vector<absl::Status> results;
  size_t unknown = 0;
  asio::steady_timer all_known;
};

}  // namespace

asio::awaitable<std::vector<absl::Status>> SendAll(
    Producer& producer, std::vector<Record> records) {
  const auto sending =
      std::make_shared<Sending>(co_await asio::this_coro::executor);
  sending->results.resize(records.size());
  sending->unknown = records.size();
  for (size_t i = 0; i < records.size(); ++i) {
    producer.Produce(std::move(records[i]),
                     [sending, i](absl::StatusOr<RecordPosition> result) {
                       sending->results[i] = result.status();
                       if (--sending->unknown == 0) sending->all_known.cancel();
                     });
  }
  if (sending->unknown > 0) {
    co_await sending->all_known.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  // Cancelled while some are not known: as if the brokers had not answered.
  if (sending->unknown > 0) {
    co_return std::vector<absl::Status>(
        sending->results.size(),
        absl::CancelledError("the call was cancelled"));
  }
  co_return sending->results;
}

}  // namespace lamplighter::dispatcher
