// What a record costs from Produce() to its acknowledgement. The CPU time is
// the whole process's, so the embedded broker's too: it is good for comparing
// two versions of the producer, not for sizing.
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "common/kafka/embedded_broker.h"
#include "common/kafka/kafka_producer.h"
#include "common/kafka/record.h"

namespace lamplighter {
namespace {

// As many callers as the argument says, each waiting for its own record before
// it sends the next.
void ClosedLoop(benchmark::State& state) {
  boost::asio::io_context loop(1);
  const auto work = boost::asio::make_work_guard(loop);
  auto broker = EmbeddedBroker::Create({.partitions = 12});
  if (!broker.ok() || !(*broker)->CreateTopic("events").ok()) {
    state.SkipWithError("no broker");
    return;
  }
  KafkaProducer::Options options;
  options.kafka.bootstrap_servers = (*broker)->bootstrap_servers();
  auto producer = KafkaProducer::Create(options, loop);
  if (!producer.ok()) {
    state.SkipWithError("no producer");
    return;
  }
  int64_t sent = 0;
  const std::string value(8192, 'x');
  const auto produce = [&](auto done) {
    (*producer)->Produce(
        {"events",
         absl::StrCat("github.com/org/", sent++ % 1000),
         value,
         {{"ce_id", "1"}, {"ce_type", "t"}, {"ce_source", "s"}}},
        std::move(done));
  };
  while (!(*producer)->Ready().ok()) loop.run_one();
  int64_t acknowledged = 0;
  const auto count = [&](const absl::StatusOr<RecordPosition>& result) {
    if (!result.ok()) state.SkipWithError("not acknowledged");
    ++acknowledged;
  };
  int64_t finished = 0;
  for (int i = 0; i < state.range(0); ++i) produce(count);
  for (auto _ : state) {
    while (acknowledged == finished) loop.run_one();
    ++finished;
    produce(count);
  }
  state.SetItemsProcessed(state.iterations());
  while (acknowledged < sent) loop.run_one();
}
BENCHMARK(ClosedLoop)->Arg(1)->Arg(64)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace lamplighter
