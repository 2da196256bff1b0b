#include "common/kafka/kafka_consumer.h"

#include <utility>

#include "common/kafka/kafka_consumer_core.h"
#include "common/status/macros.h"

namespace lamplighter {

namespace asio = boost::asio;

KafkaConsumer::KafkaConsumer(std::shared_ptr<Core> core)
    : core_(std::move(core)) {}

KafkaConsumer::~KafkaConsumer() { core_->Close(); }

absl::StatusOr<std::unique_ptr<KafkaConsumer>> KafkaConsumer::Create(
    const Options& options, asio::io_context& loop) {
  auto core = std::make_shared<Core>(options, loop);
  LAMPLIGHTER_RETURN_IF_ERROR(core->Open());
  return std::unique_ptr<KafkaConsumer>(new KafkaConsumer(std::move(core)));
}

absl::Status KafkaConsumer::Start(Handler& handler) {
  return core_->Start(handler);
}

void KafkaConsumer::MarkDone(const RecordPosition& position) {
  core_->MarkDone(position);
}

void KafkaConsumer::Pause() { core_->SetPaused(true); }

void KafkaConsumer::Resume() { core_->SetPaused(false); }

asio::awaitable<void> KafkaConsumer::Stop() { return Core::Stop(core_); }

absl::Status KafkaConsumer::Ready() const { return core_->Ready(); }

}  // namespace lamplighter
