#include "common/kafka/producer.h"

#include <utility>

#include "boost/asio/async_result.hpp"
#include "boost/asio/use_awaitable.hpp"

namespace lamplighter {

namespace asio = boost::asio;

asio::awaitable<absl::StatusOr<RecordPosition>> Send(Producer& producer,
                                                     Record record) {
  // Done comes on the loop, never within Produce(), so that the coroutine can
  // be resumed right there.
  auto start = [&producer](auto handler, Record sent) {
    producer.Produce(std::move(sent), std::move(handler));
  };
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable),
                                          void(absl::StatusOr<RecordPosition>)>(
      std::move(start), asio::use_awaitable, std::move(record));
}

}  // namespace lamplighter
