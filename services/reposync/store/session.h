#pragma once

#include <cstdint>
#include <exception>
#include <memory>

#include "absl/status/status.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/database_url.h"
#include "services/reposync/store/statements.h"
#include "soci/soci.h"

// The only target that knows what the two databases' own libraries throw.

namespace lamplighter::reposync {

// A connection to the database. Throws as SOCI does. On one thread at a time.
class Session {
 public:
  enum class Use : uint8_t { kRead, kWrite };

  Session(const DatabaseUrl& url, Use use);

  void Begin();
  void Commit() { sql_ << "COMMIT"; }
  void Rollback() { sql_ << "ROLLBACK"; }

  Transaction transaction() { return {sql_, dialect_, prepared_}; }

 private:
  const Dialect dialect_;
  const Use use_;
  soci::session sql_;
  PreparedStatements prepared_{sql_};  // last: they end before the session
};

// What an exception of a session means.
struct Failure {
  absl::Status status;
  bool again = false;  // the database asks to try it again
  bool lost = false;   // the connection is gone
};
Failure FailureOf(const DatabaseUrl& url, const std::exception& thrown);
// The same of one that the constructor threw.
absl::Status OpeningFailure(const DatabaseUrl& url,
                            const std::exception& thrown);

// Makes SQLite's file where it is not there, which only its owner may read; its
// WAL gets the same mode. Unavailable where that cannot be.
absl::Status MakeDatabaseFile(const DatabaseUrl& url);

}  // namespace lamplighter::reposync
