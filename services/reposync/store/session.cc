#include "services/reposync/store/session.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "soci/postgresql/soci-postgresql.h"
#include "soci/sqlite3/soci-sqlite3.h"

namespace lamplighter::reposync {
namespace {

// WAL: readers and the writer do not wait for each other. synchronous FULL:
// what a platform was told is there (a connection, an attached repository)
// survives a power cut. busy_timeout (in seconds here): another process writes.
void OpenSqlite(soci::session& sql, const std::string& file, Session::Use use) {
  sql.open(soci::sqlite3,
           absl::StrCat("dbname=\"", file, "\" timeout=10 synchronous=FULL"));
  sql << "PRAGMA journal_mode = WAL";
  sql << "PRAGMA temp_store = MEMORY";
  if (use == Session::Use::kWrite) {
    sql << "PRAGMA cache_size = -32768";
    sql << "PRAGMA journal_size_limit = 67108864";
  } else {
    sql << "PRAGMA cache_size = -8192";
    sql << "PRAGMA query_only = ON";
  }
}

void OpenPostgresql(soci::session& sql, const DatabaseUrl& url,
                    Session::Use use) {
  sql.open(soci::postgresql, url.connect);
  sql << "SET statement_timeout = '60s'";
  sql << "SET lock_timeout = '30s'";
  sql << "SET idle_in_transaction_session_timeout = '60s'";
  sql << "SET client_min_messages = warning";
  // Statements are small, however much they seem to cost: compiling them or
  // starting workers takes longer than to run them.
  sql << "SET jit = off";
  sql << "SET max_parallel_workers_per_gather = 0";
  if (use == Session::Use::kWrite) {
    // Plans are made anew each time: one made while a table is small would be
    // kept while a first refresh fills it.
    sql << "SET plan_cache_mode = force_custom_plan";
  } else {
    // Whatever is read is found soonest by an index, which the planner cannot
    // know of values that a plan is made without. To plan statements so small
    // would take longer than to run them.
    sql << "SET default_transaction_read_only = on";
    sql << "SET enable_seqscan = off";
    sql << "SET plan_cache_mode = force_generic_plan";
  }
}

Failure FailureOf(const soci::sqlite3_soci_error& error, std::string message) {
  switch (error.result() & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {absl::UnavailableError(absl::StrCat(
          "database is busy: another process writes for long: ", message))};
    case SQLITE_FULL:
      return {absl::UnavailableError(
          absl::StrCat("database's disk is full: ", message))};
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {absl::UnavailableError(
          absl::StrCat("database file may not be written: ", message))};
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
      return {absl::UnavailableError(message)};
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return {absl::InternalError(absl::StrCat(
          "database file is damaged or none of SQLite: ", message))};
    default:
      return {absl::InternalError(message)};
  }
}

// By class of SQLSTATE.
Failure FailureOf(const soci::postgresql_soci_error& error,
                  std::string message) {
  const std::string state = error.sqlstate();
  const absl::string_view kind = absl::string_view(state).substr(0, 2);
  if (state == "40001" || state == "40P01") {
    return {.status = absl::UnavailableError(message), .again = true};
  }
  // 08: connection; 57P: shut down, crashed, starting; blank: libpq itself.
  if (kind == "08" || absl::StartsWith(state, "57P") ||
      error.get_error_category() == soci::soci_error::connection_error ||
      kind == "  ") {
    return {.status = absl::UnavailableError(message), .lost = true};
  }
  // 25006: a standby; 28: who we are is refused, until somebody mends it; 53:
  // disk, memory, connections; 55P03, 57014: a time ran out; 58: its disk.
  if (state == "25006" || kind == "28" || kind == "53" || state == "55P03" ||
      state == "57014" || kind == "58" || state == "25P03" ||
      state == "3D000") {
    return {absl::UnavailableError(message)};
  }
  return {absl::InternalError(message)};
}

}  // namespace

absl::Status MakeDatabaseFile(const DatabaseUrl& url) {
  if (url.dialect != Dialect::kSqlite) return absl::OkStatus();
  const int made =
      ::open(url.file.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC,
             S_IRUSR | S_IWUSR);
  if (made >= 0) {
    ::close(made);
  } else if (errno != EEXIST) {
    return absl::UnavailableError(
        absl::ErrnoToStatus(errno, absl::StrCat("database: ", url.file))
            .message());
  }
  return absl::OkStatus();
}

Session::Session(const DatabaseUrl& url, Use use)
    : dialect_(url.dialect), use_(use) {
  if (dialect_ == Dialect::kSqlite) {
    OpenSqlite(sql_, url.file, use);
  } else {
    OpenPostgresql(sql_, url, use);
  }
}

void Session::Begin() {
  if (dialect_ == Dialect::kSqlite) {
    sql_ << (use_ == Use::kWrite ? "BEGIN IMMEDIATE" : "BEGIN");
    return;
  }
  if (use_ == Use::kRead) {
    sql_ << "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    return;
  }
  sql_ << "BEGIN";
  // One writer at a time among all processes, as SQLite has it; of this schema.
  sql_ << "SELECT pg_advisory_xact_lock(hashtext('lamplighter.catalog'), "
          "hashtext(current_schema()))";
}

Failure FailureOf(const DatabaseUrl& url, const std::exception& thrown) {
  const auto* soci = dynamic_cast<const soci::soci_error*>(&thrown);
  // Not what(): that quotes the values of the statement.
  std::string message =
      Redact(url, soci == nullptr ? thrown.what() : soci->get_error_message());
  absl::StrReplaceAll({{"\n", " "}}, &message);
  message = absl::StrCat("database: ", message);
  if (const auto* sqlite =
          dynamic_cast<const soci::sqlite3_soci_error*>(soci)) {
    return FailureOf(*sqlite, std::move(message));
  }
  if (const auto* postgresql =
          dynamic_cast<const soci::postgresql_soci_error*>(soci)) {
    return FailureOf(*postgresql, std::move(message));
  }
  return {absl::InternalError(message)};
}

absl::Status OpeningFailure(const DatabaseUrl& url,
                            const std::exception& thrown) {
  const absl::Status status = FailureOf(url, thrown).status;
  // Why libpq got no connection, SOCI passes on as text alone.
  return url.dialect == Dialect::kPostgresql
             ? absl::UnavailableError(status.message())
             : status;
}

}  // namespace lamplighter::reposync
