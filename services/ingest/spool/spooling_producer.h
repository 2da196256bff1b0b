#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"
#include "common/async/sleeper.h"
#include "common/async/task_group.h"
#include "common/kafka/producer.h"
#include "common/kafka/record.h"
#include "common/time/clock.h"
#include "services/ingest/metrics.h"
#include "services/ingest/spool/spool.h"
#include "services/ingest/spool/spool_file.h"

namespace lamplighter::ingest {

// A Producer that keeps on a Spool what another cannot write just now, and
// hands it over once that can. On the loop only.
//
// Records go straight to the other producer until it fails to write one, as
// after its own timeout. From then on all go to the spool, each behind those
// that came before, whatever their keys: one rule, which keeps the order of
// each. The spool drains from its front, a batch at a time; a batch leaves it
// once the brokers have acknowledged it. When all is drained, records go
// straight again. While the last of it is on its way, arrivals wait in memory
// for how it ends: without that a busy spool would never be empty.
//
// What may be on a topic twice, with the same ce_id: a record that the other
// producer gave up after it had sent it, and what was on its way in a crash.
class SpoolingProducer final : public Producer {
 public:
  struct Options {
    Spool::Options spool;
    // What is read and sent at once.
    size_t max_batch_records = 1000;
    size_t max_batch_bytes = 16 << 20;
    // Between tries while the brokers, or the disk, do not take something.
    absl::Duration pause = absl::Milliseconds(500);
    // How long records of a topic are refused before they are given up: topics
    // that are missing or closed to us at the brokers' start come in time.
    absl::Duration refuse_after = absl::Minutes(1);
  };

  // All must outlive this, except that `inner` may be destroyed before it.
  SpoolingProducer(const Options& options, std::unique_ptr<SpoolFile> file,
                   Producer& inner, boost::asio::io_context& loop,
                   Sleeper& sleeper, SpoolMetrics& metrics, const Clock& clock);
  // After Stop(). What still waits ends as Cancelled.
  ~SpoolingProducer() override;

  // Begins to drain what an earlier process has left. Call first.
  void Start();

  // Stops draining: waits for the batch under way, `limit` at most. Records
  // are still taken. Call before destruction.
  boost::asio::awaitable<void> Stop(absl::Duration limit);

  // OK also for a record that lies on the spool; its position has partition -1
  // then. ResourceExhausted and Unavailable: neither the brokers nor the spool
  // have it for sure, although either may.
  void Produce(Record record, Done done) override;

  // OK while records can be kept: the other producer is ready, or else the
  // spool has room left and has not failed for a while.
  absl::Status Ready() const override;

  size_t max_record_bytes() const override;

 private:
  struct Held {
    int64_t id;
    Record record;
    Done done;
  };

  // What the results of a batch mean.
  struct Verdict {
    Settlement settlement;
    // Why a record is to be sent again, and all behind it, for their order. OK
    // if none is.
    absl::Status stopped_by;
  };

  void SendDirectly(int64_t id, Record record, Done done);
  void Hold(int64_t id, Record record, Done done);
  void Keep(int64_t id, std::string bytes, Done done);
  void BeginSpooling();
  void EndSpooling();
  void SpoolHeld();
  int64_t Backlog() const;

  boost::asio::awaitable<void> Drain();
  // Drains one batch; whether that was all that lay on the spool.
  boost::asio::awaitable<absl::StatusOr<bool>> DrainBatch(size_t max_records);
  // Hands all of `batch` to the producer; what has become of each.
  boost::asio::awaitable<std::vector<absl::Status>> Deliver(
      std::vector<absl::StatusOr<Record>> batch);
  Verdict Judge(std::vector<SpooledRecord> batch,
                const std::vector<absl::Status>& results);
  bool IsGivenUp(const absl::StatusOr<Record>& record,
                 const absl::Status& error);
  boost::asio::awaitable<absl::Status> Settle(Settlement settlement);
  void ShowUsage();

  const Options options_;
  Producer& inner_;
  boost::asio::io_context& loop_;
  Sleeper& sleeper_;
  SpoolMetrics& metrics_;
  const Clock& clock_;
  size_t sent_directly_ = 0;  // and not ended
  bool spooling_ = false;
  bool holding_ = false;
  bool stopping_ = false;
  std::deque<Held> held_;
  size_t held_bytes_ = 0;
  // Topics whose records are being refused, and since when.
  absl::flat_hash_map<std::string, absl::Duration> refusing_;
  // The last error of the spool, and until when it makes us not ready.
  absl::Status failure_;
  absl::Duration failing_until_ = -absl::InfiniteDuration();
  Spool spool_;  // behind what is above: it calls back in its destructor
  int64_t next_id_;
  TaskGroup tasks_;  // last: its tasks use what is above
};

}  // namespace lamplighter::ingest
