#include "common/kafka/rdkafka_admin.h"

#include <algorithm>
#include <array>
#include <utility>

#include "boost/asio/any_io_executor.hpp"
#include "boost/asio/this_coro.hpp"
#include "common/kafka/queue_signal.h"
#include "common/kafka/signal_timer.h"
#include "common/status/macros.h"
#include "common/time/clock.h"

namespace lamplighter {

namespace asio = boost::asio;

AdminOptions MakeAdminOptions(rd_kafka_t* client, rd_kafka_admin_op_t operation,
                              absl::Duration limit) {
  AdminOptions options(rd_kafka_AdminOptions_new(client, operation));
  const absl::Duration timeout =
      std::clamp(limit, absl::Milliseconds(1), absl::Hours(1));
  std::array<char, 256> ignored;  // every timeout in range is taken
  rd_kafka_AdminOptions_set_request_timeout(
      options.get(), static_cast<int>(absl::ToInt64Milliseconds(timeout)),
      ignored.data(), ignored.size());
  return options;
}

asio::awaitable<absl::StatusOr<RdkafkaPtr<rd_kafka_event_t>>> NextAdminAnswer(
    rd_kafka_queue_t* queue, absl::Duration limit) {
  struct Arrival {
    explicit Arrival(asio::any_io_executor executor) : signal(executor) {}
    RdkafkaPtr<rd_kafka_event_t> event;
    SignalTimer signal;
  };
  const auto executor = co_await asio::this_coro::executor;
  const auto arrival = std::make_shared<Arrival>(executor);
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const auto signal, QueueSignal::Create(queue, executor, [arrival, queue] {
        if (arrival->event != nullptr) return;
        arrival->event.reset(rd_kafka_queue_poll(queue, 0));
        if (arrival->event != nullptr) arrival->signal.Set();
      }));
  if (!co_await arrival->signal.Wait(limit)) {
    co_return absl::UnavailableError("kafka: the brokers did not answer");
  }
  const rd_kafka_resp_err_t error = rd_kafka_event_error(arrival->event.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    co_return RdkafkaStatus(error,
                            rd_kafka_event_error_string(arrival->event.get()));
  }
  co_return std::move(arrival->event);
}

absl::StatusOr<RdkafkaAdmin> RdkafkaAdmin::Create(const KafkaOptions& kafka,
                                                  absl::Duration limit) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(auto conf, MakeRdkafkaConf(kafka, {}));
  RdkafkaAdmin admin;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      admin.client, MakeRdkafkaClient(RD_KAFKA_PRODUCER, std::move(conf)));
  admin.queue.reset(rd_kafka_queue_new(admin.client.get()));
  admin.deadline = Clock::System().MonotonicNow() + limit;
  return admin;
}

AdminOptions RdkafkaAdmin::Options(rd_kafka_admin_op_t operation) const {
  return MakeAdminOptions(client.get(), operation, Left());
}

asio::awaitable<absl::StatusOr<RdkafkaPtr<rd_kafka_event_t>>>
RdkafkaAdmin::NextAnswer() const {
  return NextAdminAnswer(queue.get(), Left());
}

absl::Duration RdkafkaAdmin::Left() const {
  return std::max(deadline - Clock::System().MonotonicNow(),
                  absl::Milliseconds(1));
}

}  // namespace lamplighter
