#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/producer.h"
#include "common/kafka/record.h"
#include "common/time/clock.h"
#include "prometheus/counter.h"
#include "proto/lamplighter/v1/status_service.pb.h"
#include "services/dispatcher/status_service/dead_letter_scan.h"
#include "services/dispatcher/status_service/open_reader.h"

namespace lamplighter::dispatcher {

// Lists, replays and drops dead letters, as StatusService says. Keeps nothing:
// what was dealt with is on the topic of marks, which each call reads anew, so
// that any dispatcher can be asked. On the loop only.
class DeadLetters {
 public:
  struct Counters {
    prometheus::Counter& replayed;
    prometheus::Counter& dropped;
  };

  // `producer` and `clock` must outlive this.
  DeadLetters(OpenReader open_reader, Producer& producer, const Clock& clock,
              const Counters& counters);

  // These must outlive the calls.
  boost::asio::awaitable<absl::StatusOr<v1::ListDeadLettersResponse>> List(
      v1::ListDeadLettersRequest request);
  boost::asio::awaitable<absl::StatusOr<v1::ReplayDeadLettersResponse>> Replay(
      v1::ReplayDeadLettersRequest request, std::string client);
  boost::asio::awaitable<absl::StatusOr<v1::DropDeadLettersResponse>> Drop(
      v1::DropDeadLettersRequest request, std::string client);

 private:
  struct Chunk;  // what is replayed or dropped at once

  boost::asio::awaitable<absl::Status> WriteReplays(Chunk chunk,
                                                    std::string client);
  boost::asio::awaitable<absl::Status> WriteMarks(
      std::vector<DeadLetterId> ids, v1::DeadLetterMark::Action action,
      std::string client);

  boost::asio::awaitable<absl::StatusOr<v1::ReplayDeadLettersResponse>>
  ReplayAlone(v1::ReplayDeadLettersRequest request, std::string client);
  boost::asio::awaitable<absl::StatusOr<v1::DropDeadLettersResponse>> DropAlone(
      v1::DropDeadLettersRequest request, std::string client);

  const OpenReader open_reader_;
  Producer& producer_;
  const Clock& clock_;
  const Counters counters_;
  // While one replays or drops: two at once would replay the same.
  bool busy_ = false;
};

}  // namespace lamplighter::dispatcher
