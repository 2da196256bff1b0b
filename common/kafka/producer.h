#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "common/kafka/record.h"

namespace lamplighter {

// Writes records to Kafka. Lives on the process's loop: call it and be called
// back there only. Records of one key are written in the order of the calls.
class Producer {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<RecordPosition>) &&>;

  virtual ~Producer() = default;

  // Takes `record` and calls `done` once, later, with where it lies once every
  // in-sync replica has it, or with
  //   Unavailable        the brokers did not acknowledge it in time. It may yet
  //                      lie on the topic: send it again with the same ce_id;
  //   ResourceExhausted  the bounded queue is full; nothing was sent;
  //   InvalidArgument    it is larger than the broker takes, or the topic does
  //                      not exist; sending it again cannot help;
  //   PermissionDenied   the account may not write to the topic;
  //   Cancelled          the producer was stopped first.
  virtual void Produce(Record record, Done done) = 0;

  // OK once records can be written; otherwise Unavailable, and why.
  virtual absl::Status Ready() const = 0;

  // The largest record, key, headers and value together, that is surely taken.
  virtual size_t max_record_bytes() const = 0;
};

// Awaits one Produce(). Resumes on the loop. The error codes are its own.
boost::asio::awaitable<absl::StatusOr<RecordPosition>> Send(Producer& producer,
                                                            Record record);

}  // namespace lamplighter
