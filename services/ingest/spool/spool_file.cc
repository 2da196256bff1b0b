#include "services/ingest/spool/spool_file.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/status/macros.h"
#include <sys/statvfs.h>

namespace lamplighter::ingest {
namespace {

// "LLSP" in the file's header: a spool, and nobody else's database.
constexpr int64_t kApplicationId = 0x4c4c5350;
constexpr int64_t kVersion = 1;

// `topic` and `key` are there for people; `bytes` holds them too.
constexpr char kSchema[] = R"(
CREATE TABLE spooled(
  id INTEGER PRIMARY KEY,
  spooled_at INTEGER NOT NULL,
  bytes BLOB NOT NULL);
CREATE TABLE refused(
  id INTEGER PRIMARY KEY,
  refused_at INTEGER NOT NULL,
  topic TEXT NOT NULL,
  key TEXT NOT NULL,
  reason TEXT NOT NULL,
  bytes BLOB NOT NULL);
)";

// What moving refused records may take beyond max_bytes, since they need a
// little more room than they leave.
constexpr int64_t kSlackPages = 256;

// One use of a prepared statement. It holds locks and what was bound no longer
// than this.
class Use {
 public:
  explicit Use(sqlite3_stmt* statement) : statement_(statement) {}
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  // Bind the parameters in their order. Texts must outlive the use.
  Use& Number(int64_t value) {
    sqlite3_bind_int64(statement_, ++bound_, value);
    return *this;
  }
  Use& Text(absl::string_view value) {
    sqlite3_bind_text64(statement_, ++bound_, value.data(), value.size(),
                        SQLITE_STATIC, SQLITE_UTF8);
    return *this;
  }
  Use& Bytes(absl::string_view value) {
    sqlite3_bind_blob64(statement_, ++bound_, value.data(), value.size(),
                        SQLITE_STATIC);
    return *this;
  }

  int Step() { return sqlite3_step(statement_); }
  int64_t NumberAt(int column) {
    return sqlite3_column_int64(statement_, column);
  }
  absl::string_view BytesAt(int column) {
    const void* const bytes = sqlite3_column_blob(statement_, column);
    return {static_cast<const char*>(bytes),
            static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* const statement_;
  int bound_ = 0;
};

std::string ErrorText(int error) {
  return std::generic_category().message(error);
}

// Makes the file, if need be, with access for its owner alone. SQLite gives its
// journal the same. (One that is there is not opened here: closing it would let
// go of the process's locks on it.)
absl::Status Touch(const std::string& path) {
  const int file =
      open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) close(file);
  if (file >= 0 || errno == EEXIST) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "cannot open ", path, ": ", ErrorText(errno),
      ": give a file in a directory that exists and may be written to"));
}

}  // namespace

void SpoolFile::Closer::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}

void SpoolFile::Closer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

absl::StatusOr<std::unique_ptr<SpoolFile>> SpoolFile::Open(
    const Options& options) {
  std::unique_ptr<SpoolFile> file(new SpoolFile(options));
  LAMPLIGHTER_RETURN_IF_ERROR(Touch(options.path));
  absl::Status opened = file->Connect();
  if (opened.ok()) opened = file->SetUp();
  if (opened.ok()) opened = file->Prepare();
  if (opened.ok()) return file;
  absl::string_view advice;
  if (absl::IsFailedPrecondition(opened)) {
    advice = ": another process uses it: give each its own file";
  } else if (absl::IsDataLoss(opened)) {
    advice =
        ": keep it, move it away with its -wal and start with a new one; "
        "docs/operations.md says how to get at what it holds";
  }
  return absl::Status(opened.code(), absl::StrCat(opened.message(), advice));
}

absl::Status SpoolFile::Connect() {
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(
      options_.path.c_str(), &database,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
      nullptr);
  database_.reset(database);  // there to be closed even after an error
  if (code != SQLITE_OK) return Error(code, "open");
  sqlite3_extended_result_codes(database, 1);
  // EXCLUSIVE: held until the end of the process, even by kill -9, and there is
  // no -shm file. FULL: a commit returns once it is on the disk.
  for (const char* const pragma :
       {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL", "PRAGMA secure_delete=OFF"}) {
    LAMPLIGHTER_RETURN_IF_ERROR(Execute(pragma));
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(page_bytes_, Number("PRAGMA page_size"));
  return LimitPages(0);
}

absl::Status SpoolFile::LimitPages(int64_t slack) {
  // Says the new limit: a row of no use.
  return Number(absl::StrCat("PRAGMA max_page_count=",
                             options_.max_bytes / page_bytes_ + slack)
                    .c_str())
      .status();
}

absl::Status SpoolFile::SetUp() {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int64_t application,
                               Number("PRAGMA application_id"));
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int64_t tables,
                               Number("SELECT COUNT(*) FROM sqlite_schema"));
  if (application == 0 && tables == 0) {
    return InTransaction([this] {
      return Execute(absl::StrCat(kSchema,
                                  "PRAGMA application_id=", kApplicationId,
                                  ";PRAGMA user_version=", kVersion));
    });
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(const int64_t version,
                               Number("PRAGMA user_version"));
  if (application != kApplicationId || version != kVersion) {
    return absl::DataLossError(absl::StrCat("spool ", options_.path,
                                            " is not a spool of this version"));
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Statement check,
                               Compile("PRAGMA quick_check(1)"));
  Use use(check.get());
  const int code = use.Step();
  if (code != SQLITE_ROW) return Error(code, "check");
  if (use.BytesAt(0) == "ok") return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "spool ", options_.path,
      " is damaged: ", absl::StrReplaceAll(use.BytesAt(0), {{"\n", " "}})));
}

absl::Status SpoolFile::Prepare() {
  struct Wanted {
    Statement& statement;
    const char* sql;
  };
  for (const Wanted& wanted : std::initializer_list<Wanted>{
           {insert_, "INSERT INTO spooled VALUES(?, ?, ?)"},
           {read_, "SELECT id, bytes FROM spooled ORDER BY id LIMIT ?"},
           {remove_, "DELETE FROM spooled WHERE id = ?"},
           {refuse_, "INSERT INTO refused VALUES(?, ?, ?, ?, ?, ?)"},
           {oldest_, "SELECT spooled_at FROM spooled ORDER BY id LIMIT 1"},
           {pages_, "PRAGMA page_count"},
           {free_pages_, "PRAGMA freelist_count"}}) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(wanted.statement, Compile(wanted.sql));
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(usage_.records,
                               Number("SELECT COUNT(*) FROM spooled"));
  LAMPLIGHTER_ASSIGN_OR_RETURN(usage_.refused,
                               Number("SELECT COUNT(*) FROM refused"));
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      next_id_, Number("SELECT 1 + MAX(IFNULL((SELECT MAX(id) FROM spooled), 0)"
                       ", IFNULL((SELECT MAX(id) FROM refused), 0))"));
  UpdateUsage();
  return absl::OkStatus();
}

absl::Status SpoolFile::Append(absl::Span<const SpooledRecord> records,
                               absl::Time now) {
  LAMPLIGHTER_RETURN_IF_ERROR(CheckFreeSpace());
  LAMPLIGHTER_RETURN_IF_ERROR(InTransaction([&]() -> absl::Status {
    for (const SpooledRecord& record : records) {
      Use use(insert_.get());
      const int code = use.Number(record.id)
                           .Number(absl::ToUnixMicros(now))
                           .Bytes(record.bytes)
                           .Step();
      if (code != SQLITE_DONE) return Error(code, "write");
    }
    return absl::OkStatus();
  }));
  usage_.records += static_cast<int64_t>(records.size());
  UpdateUsage();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SpooledRecord>> SpoolFile::Read(size_t max_records,
                                                           size_t max_bytes) {
  std::vector<SpooledRecord> records;
  size_t bytes = 0;
  Use use(read_.get());
  use.Number(static_cast<int64_t>(max_records));
  int code = use.Step();
  for (; code == SQLITE_ROW; code = use.Step()) {
    const absl::string_view record = use.BytesAt(1);
    bytes += record.size();
    if (!records.empty() && bytes > max_bytes) return records;
    records.push_back({use.NumberAt(0), std::string(record)});
  }
  if (code != SQLITE_DONE) return Error(code, "read");
  return records;
}

absl::Status SpoolFile::Settle(const Settlement& settlement, absl::Time now) {
  if (!settlement.refused.empty()) {
    LAMPLIGHTER_RETURN_IF_ERROR(LimitPages(kSlackPages));
  }
  const absl::Status settled = InTransaction([&]() -> absl::Status {
    for (const int64_t id : settlement.delivered) {
      const int code = Use(remove_.get()).Number(id).Step();
      if (code != SQLITE_DONE) return Error(code, "delete");
    }
    for (const RefusedRecord& refused : settlement.refused) {
      LAMPLIGHTER_RETURN_IF_ERROR(Refuse(refused, now));
    }
    return absl::OkStatus();
  });
  if (!settlement.refused.empty()) {
    LimitPages(0).IgnoreError();  // what was settled is
  }
  LAMPLIGHTER_RETURN_IF_ERROR(settled);
  const auto refused = static_cast<int64_t>(settlement.refused.size());
  usage_.refused += refused;
  usage_.records -= static_cast<int64_t>(settlement.delivered.size()) + refused;
  UpdateUsage();
  return absl::OkStatus();
}

absl::Status SpoolFile::Refuse(const RefusedRecord& refused, absl::Time now) {
  int code = Use(remove_.get()).Number(refused.record.id).Step();
  if (code == SQLITE_DONE) {
    code = Use(refuse_.get())
               .Number(refused.record.id)
               .Number(absl::ToUnixMicros(now))
               .Text(refused.topic)
               .Text(refused.key)
               .Text(refused.reason)
               .Bytes(refused.record.bytes)
               .Step();
  }
  return code == SQLITE_DONE ? absl::OkStatus() : Error(code, "move");
}

absl::Status SpoolFile::CheckFreeSpace() const {
  struct statvfs disk = {};
  if (statvfs(options_.path.c_str(), &disk) != 0) return absl::OkStatus();
  const uint64_t available = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (available >= static_cast<uint64_t>(options_.min_free_bytes)) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("spool ", options_.path, ": the disk has ", available,
                   " bytes left, and ", options_.min_free_bytes,
                   " are kept free: make room on it"));
}

absl::Status SpoolFile::Execute(const std::string& sql) {
  const int code =
      sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code, sql);
}

absl::StatusOr<SpoolFile::Statement> SpoolFile::Compile(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(
      database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return Error(code, sql);
  return Statement(statement);
}

absl::StatusOr<int64_t> SpoolFile::Number(sqlite3_stmt* statement) {
  Use use(statement);
  const int code = use.Step();
  if (code != SQLITE_ROW) return Error(code, sqlite3_sql(statement));
  return use.NumberAt(0);
}

absl::StatusOr<int64_t> SpoolFile::Number(const char* sql) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Statement statement, Compile(sql));
  return Number(statement.get());
}

absl::Status SpoolFile::InTransaction(absl::FunctionRef<absl::Status()> work) {
  LAMPLIGHTER_RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  absl::Status done = work();
  if (done.ok()) done = Execute("COMMIT");
  // Some errors have rolled back already.
  if (!done.ok() && sqlite3_get_autocommit(database_.get()) == 0) {
    Execute("ROLLBACK").IgnoreError();  // `done` says what went wrong
  }
  return done;
}

void SpoolFile::UpdateUsage() {
  const absl::StatusOr<int64_t> pages = Number(pages_.get());
  const absl::StatusOr<int64_t> unused = Number(free_pages_.get());
  if (pages.ok() && unused.ok()) {
    usage_.bytes = (*pages - *unused) * page_bytes_;
  }
  Use use(oldest_.get());
  usage_.oldest = use.Step() == SQLITE_ROW
                      ? absl::FromUnixMicros(use.NumberAt(0))
                      : absl::InfiniteFuture();
}

absl::Status SpoolFile::Error(int code, absl::string_view doing) const {
  const std::string message =
      absl::StrCat("spool ", options_.path, ": ", doing, ": ",
                   sqlite3_errmsg(database_.get()), " (SQLite ", code, ")");
  switch (code & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(
          absl::StrCat(message, ": ", usage_.bytes, " of ", options_.max_bytes,
                       " bytes are used"));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::FailedPreconditionError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    default:
      return absl::UnavailableError(absl::StrCat(
          message, ": ", ErrorText(sqlite3_system_errno(database_.get()))));
  }
}

}  // namespace lamplighter::ingest
