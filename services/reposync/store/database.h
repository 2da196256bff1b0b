#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/io_context.hpp"

namespace soci {
class session;
}  // namespace soci

namespace lamplighter::reposync {

class PreparedStatements;

// Which of the two databases it is, where their SQL differs.
enum class Dialect : uint8_t { kSqlite, kPostgresql };

// What a piece of work has of the database: a session within a transaction.
struct Transaction {
  soci::session& sql;
  Dialect dialect;
  PreparedStatements& prepared;  // of the session; see statements.h
};

// The catalog's database: SQLite (a file in WAL mode) or PostgreSQL, through
// SOCI. Work runs on threads of its own, so that nothing blocks the loop. On
// the loop only.
//
// What the work and SOCI throw ends as a status: Unavailable where the database
// cannot be reached, is locked, read-only or its disk is full (what was begun
// is rolled back, and the session is opened anew); Internal for the rest. Where
// the database was lost in the midst of a commit, the message says that the
// outcome is unknown.
class Database {
 public:
  struct Options {
    // sqlite:///absolute/path or postgresql://user:password@host:port/database.
    std::string url;
    // That read; writing has one more of its own.
    size_t sessions = 4;
    // Work that may wait at once; more is refused as ResourceExhausted.
    size_t max_waiting = 1000;
  };

  // InvalidArgument for a URL that cannot be used; connects to nothing. `loop`
  // must outlive the database.
  static absl::StatusOr<std::unique_ptr<Database>> Create(
      const Options& options, boost::asio::io_context& loop);

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  // Waits for work that has begun, then ends what waits as Cancelled.
  ~Database();

  // Brings the schema to this version, each step in a transaction and all under
  // a lock, so that several may start at once. FailedPrecondition where the
  // schema is of a newer version than this program knows.
  boost::asio::awaitable<absl::Status> Migrate();

  // Runs `work` in a transaction that only reads, of one state of the database,
  // or in one that may write: writes come one after the other, so that numbers
  // of changes are in order of commit. Look() has no transaction, and so saves
  // two ways there and back: each statement sees what there is then.
  // What `work` returns as an error rolls back. `work` may run again on another
  // session where the database asks for that (serialization, deadlock), three
  // times at most.
  template <typename T>
  boost::asio::awaitable<absl::StatusOr<T>> Read(
      std::function<absl::StatusOr<T>(Transaction&)> work) {
    return RunFor<T>(Access::kRead, std::move(work));
  }
  template <typename T>
  boost::asio::awaitable<absl::StatusOr<T>> Look(
      std::function<absl::StatusOr<T>(Transaction&)> work) {
    return RunFor<T>(Access::kLook, std::move(work));
  }
  template <typename T>
  boost::asio::awaitable<absl::StatusOr<T>> Write(
      std::function<absl::StatusOr<T>(Transaction&)> work) {
    return RunFor<T>(Access::kWrite, std::move(work));
  }

  Dialect dialect() const;

 private:
  enum class Access : uint8_t { kLook, kRead, kWrite };
  using Work = std::function<absl::Status(Transaction&)>;
  class State;

  explicit Database(std::unique_ptr<State> state);

  boost::asio::awaitable<absl::Status> Run(Access access, Work work);

  template <typename T>
  boost::asio::awaitable<absl::StatusOr<T>> RunFor(
      Access access, std::function<absl::StatusOr<T>(Transaction&)> work) {
    // Shared with the thread, which may outlive this coroutine.
    auto answer = std::make_shared<absl::optional<T>>();
    absl::Status status = co_await Run(
        access, [answer, work = std::move(work)](Transaction& transaction) {
          absl::StatusOr<T> result = work(transaction);
          if (result.ok()) *answer = *std::move(result);
          return result.status();
        });
    if (!status.ok()) co_return status;
    co_return **std::move(answer);
  }

  const std::unique_ptr<State> state_;
};

}  // namespace lamplighter::reposync
