#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/thread_pool.hpp"
#include "common/time/clock.h"
#include "services/ingest/spool/spool_file.h"

namespace lamplighter::ingest {

// A SpoolFile for the loop: its one thread does the blocking, and nothing else.
// Records that arrive while the disk is busy are written together, so that many
// share one fsync. On the loop only.
class Spool {
 public:
  struct Options {
    // What may wait for the disk at once; more is refused.
    size_t max_waiting_records = 4096;
    size_t max_waiting_bytes = 64 << 20;
    // What is written together; a single larger record all the same.
    size_t max_group_records = 512;
    size_t max_group_bytes = 4 << 20;
  };
  using Appended = absl::AnyInvocable<void(absl::Status) &&>;

  // `loop` and `clock` must outlive the spool.
  Spool(const Options& options, std::unique_ptr<SpoolFile> file,
        boost::asio::io_context& loop, const Clock& clock);
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  // Waits for the disk, then ends what still waits as Cancelled.
  ~Spool();

  // Calls `done` once, later: OK when the record survives a power cut. Errors
  // are SpoolFile's, and ResourceExhausted where too much waits already.
  void Append(int64_t id, std::string bytes, Appended done);

  // SpoolFile::Read() after all that was appended before.
  boost::asio::awaitable<absl::StatusOr<std::vector<SpooledRecord>>> Read(
      size_t max_records, size_t max_bytes);

  // SpoolFile::Settle().
  boost::asio::awaitable<absl::Status> Settle(Settlement settlement);

  // As of the last thing that was done to the file.
  const SpoolUsage& usage() const { return usage_; }
  // Appended and not done yet.
  size_t waiting_records() const { return waiting_records_; }
  size_t waiting_bytes() const { return waiting_bytes_; }
  int64_t max_bytes() const { return file_->max_bytes(); }
  // Above every id in the file when it was opened.
  int64_t next_id() const { return next_id_; }

 private:
  struct Waiting {
    SpooledRecord record;
    Appended done;
  };
  // Records that are being written together.
  struct Group {
    std::vector<Appended> dones;
    size_t bytes = 0;
  };

  void StartGroup();
  void EndGroup(absl::Status written, const SpoolUsage& usage);
  template <typename T>
  boost::asio::awaitable<T> OnThread(absl::AnyInvocable<T(SpoolFile&) &&> work);

  const Options options_;
  const std::unique_ptr<SpoolFile> file_;  // the thread's, once it has begun
  const int64_t next_id_;
  boost::asio::io_context& loop_;
  const Clock& clock_;
  SpoolUsage usage_;
  size_t waiting_records_ = 0;
  size_t waiting_bytes_ = 0;
  std::deque<Waiting> queue_;
  std::deque<Group> groups_;  // on the thread, in the order of its work
  // What the thread posts holds it weakly, and does nothing once we are gone.
  std::shared_ptr<Spool*> self_ = std::make_shared<Spool*>(this);
  boost::asio::thread_pool thread_{1};  // last: it uses the file
};

}  // namespace lamplighter::ingest
