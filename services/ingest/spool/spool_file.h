#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

// SQLite's; only spool_file.cc knows more of them.
struct sqlite3;
struct sqlite3_stmt;

namespace lamplighter::ingest {

// A record on the spool. Records lie there in the order of their ids.
struct SpooledRecord {
  int64_t id = 0;
  std::string bytes;  // as EncodeRecord() makes them
};

// A record that the brokers will never take, and why.
struct RefusedRecord {
  SpooledRecord record;
  std::string topic;
  std::string key;
  std::string reason;
};

// What has become of records: they leave the spool.
struct Settlement {
  std::vector<int64_t> delivered;
  std::vector<RefusedRecord> refused;  // kept apart, until somebody looks
};

// What the file holds.
struct SpoolUsage {
  int64_t records = 0;  // to be delivered yet
  int64_t refused = 0;
  int64_t bytes = 0;  // of max_bytes; those of refused records too
  absl::Time oldest = absl::InfiniteFuture();  // of what is to be delivered
};

// Records in a SQLite file. What a function has returned OK for survives a kill
// and a power cut. Blocks on the disk: keep it off the loop. One thread at a
// time, and one process: nobody else can open the file meanwhile.
//
// Errors of all functions; nothing has changed then:
//   ResourceExhausted   max_bytes are used, or the disk is full or nearly;
//   Unavailable         the disk said no; it may say yes the next time;
//   FailedPrecondition  another process has the file;
//   DataLoss            it is damaged, or no spool.
class SpoolFile {
 public:
  struct Options {
    std::string path;
    // Most that the file itself may come to. Beside it there is a journal,
    // `-wal`, of some 10 MiB at most.
    int64_t max_bytes = int64_t{1} << 30;
    // Append() leaves so much of the disk free: without any, nothing could be
    // taken off the spool either.
    int64_t min_free_bytes = 32 << 20;
  };

  // Opens or makes the file, which only its owner may read. Checks all of it,
  // which takes seconds for a GiB of records. InvalidArgument also where
  // it cannot be opened. Messages say what to do.
  static absl::StatusOr<std::unique_ptr<SpoolFile>> Open(
      const Options& options);

  // All of them or none. Ids must be new.
  absl::Status Append(absl::Span<const SpooledRecord> records, absl::Time now);

  // The oldest records in their order: one at least, where there is any, then
  // more up to both limits.
  absl::StatusOr<std::vector<SpooledRecord>> Read(size_t max_records,
                                                  size_t max_bytes);

  absl::Status Settle(const Settlement& settlement, absl::Time now);

  const SpoolUsage& usage() const { return usage_; }
  int64_t max_bytes() const { return options_.max_bytes; }
  // Above every id in the file.
  int64_t next_id() const { return next_id_; }

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Closer>;

  explicit SpoolFile(const Options& options) : options_(options) {}

  absl::Status Connect();
  absl::Status SetUp();
  absl::Status Prepare();
  absl::Status CheckFreeSpace() const;
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<Statement> Compile(const char* sql);
  absl::StatusOr<int64_t> Number(sqlite3_stmt* statement);
  absl::StatusOr<int64_t> Number(const char* sql);
  absl::Status LimitPages(int64_t slack);
  absl::Status InTransaction(absl::FunctionRef<absl::Status()> work);
  absl::Status Refuse(const RefusedRecord& refused, absl::Time now);
  void UpdateUsage();
  // What SQLite's `code` means, while `doing` something.
  absl::Status Error(int code, absl::string_view doing) const;

  const Options options_;
  int64_t page_bytes_ = 0;
  int64_t next_id_ = 1;
  SpoolUsage usage_;
  std::unique_ptr<sqlite3, Closer> database_;
  // After the database, so that they are closed before it.
  Statement insert_;
  Statement read_;
  Statement remove_;
  Statement refuse_;
  Statement oldest_;
  Statement pages_;
  Statement free_pages_;
};

}  // namespace lamplighter::ingest
