#include "common/kafka/queue_signal.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/buffer.hpp"
#include "boost/asio/posix/stream_descriptor.hpp"
#include <sys/eventfd.h>

namespace lamplighter {

// Reads the eventfd that librdkafka writes to.
class QueueSignal::Watch : public std::enable_shared_from_this<Watch> {
 public:
  Watch(boost::asio::any_io_executor executor, std::function<void()> on_filled)
      : descriptor_(std::move(executor)), on_filled_(std::move(on_filled)) {}

  boost::system::error_code Open(int fd) {
    boost::system::error_code error;
    descriptor_.assign(fd, error);
    return error;
  }

  void Read() {
    descriptor_.async_read_some(
        boost::asio::buffer(&count_, sizeof(count_)),
        [self = shared_from_this()](boost::system::error_code error, size_t) {
          if (error || self->closed_) return;
          self->on_filled_();
          if (!self->closed_) self->Read();
        });
  }

  void Close() {
    closed_ = true;
    boost::system::error_code ignored;
    descriptor_.close(ignored);
  }

  int fd() { return descriptor_.native_handle(); }

 private:
  boost::asio::posix::stream_descriptor descriptor_;
  const std::function<void()> on_filled_;
  bool closed_ = false;
  uint64_t count_ = 0;
};

absl::StatusOr<std::unique_ptr<QueueSignal>> QueueSignal::Create(
    rd_kafka_queue_t* queue, boost::asio::any_io_executor executor,
    std::function<void()> on_filled) {
  // Counts one already: the queue may hold something from before.
  const int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    return absl::InternalError(absl::ErrnoToStatus(errno, "eventfd").message());
  }
  auto watch =
      std::make_shared<Watch>(std::move(executor), std::move(on_filled));
  if (const auto error = watch->Open(fd); error) {
    close(fd);
    return absl::InternalError(
        absl::StrCat("watch an eventfd: ", error.message()));
  }
  watch->Read();
  return std::unique_ptr<QueueSignal>(new QueueSignal(queue, std::move(watch)));
}

QueueSignal::QueueSignal(rd_kafka_queue_t* queue, std::shared_ptr<Watch> watch)
    : queue_(queue), watch_(std::move(watch)) {
  static constexpr uint64_t kOne = 1;  // what an eventfd takes; copied
  rd_kafka_queue_io_event_enable(queue_, watch_->fd(), &kOne, sizeof(kOne));
}

QueueSignal::~QueueSignal() {
  rd_kafka_queue_io_event_enable(queue_, -1, nullptr, 0);
  watch_->Close();
}

}  // namespace lamplighter
