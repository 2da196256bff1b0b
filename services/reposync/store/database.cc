#include "services/reposync/store/database.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "boost/asio/async_result.hpp"
#include "boost/asio/post.hpp"
#include "boost/asio/thread_pool.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/time/clock.h"
#include "services/reposync/store/database_url.h"
#include "services/reposync/store/migrations.h"
#include "services/reposync/store/session.h"

namespace lamplighter::reposync {
namespace {

namespace asio = boost::asio;

constexpr int kMaxTries = 3;
// So long after the database could not be reached, who asks is told the same
// without another try: what waits is not held up by timeout after timeout.
constexpr absl::Duration kRefusedFor = absl::Seconds(1);

// The sessions of a kind that are not in use, so many at most as there are
// threads. Thread-safe.
class Sessions {
 public:
  Sessions(const DatabaseUrl& url, Session::Use use) : url_(url), use_(use) {}

  // One that is open, or null.
  std::unique_ptr<Session> TakeIdle() {
    absl::MutexLock lock(&mutex_);
    if (idle_.empty()) return nullptr;
    std::unique_ptr<Session> session = std::move(idle_.back());
    idle_.pop_back();
    return session;
  }
  void Give(std::unique_ptr<Session> session) {
    absl::MutexLock lock(&mutex_);
    idle_.push_back(std::move(session));
  }

  absl::StatusOr<std::unique_ptr<Session>> Open() {
    LAMPLIGHTER_RETURN_IF_ERROR(Refused());
    LAMPLIGHTER_RETURN_IF_ERROR(MakeDatabaseFile(url_));
    try {
      return std::make_unique<Session>(url_, use_);
    } catch (const std::exception& thrown) {
      const absl::Status status = OpeningFailure(url_, thrown);
      absl::MutexLock lock(&mutex_);
      refused_ = status;
      refused_until_ = Clock::System().MonotonicNow() + kRefusedFor;
      return status;
    }
  }

 private:
  absl::Status Refused() {
    absl::MutexLock lock(&mutex_);
    if (Clock::System().MonotonicNow() >= refused_until_) {
      refused_ = absl::OkStatus();
    }
    return refused_;
  }

  const DatabaseUrl& url_;
  const Session::Use use_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Session>> idle_ ABSL_GUARDED_BY(mutex_);
  absl::Status refused_ ABSL_GUARDED_BY(mutex_);
  absl::Duration refused_until_ ABSL_GUARDED_BY(mutex_);
};

// What came of one try.
struct Try {
  absl::Status status;
  bool again = false;
};

}  // namespace

class Database::State {
 public:
  State(DatabaseUrl url, const Options& options, asio::io_context& loop)
      : url_(std::move(url)),
        max_waiting_(options.max_waiting),
        loop_(loop),
        reading_(url_, Session::Use::kRead),
        writing_(url_, Session::Use::kWrite),
        readers_(std::max<size_t>(options.sessions, 1)) {}

  ~State() {
    stopping_ = true;
    writer_.join();
    readers_.join();
  }

  Dialect dialect() const { return url_.dialect; }

  asio::awaitable<absl::Status> Run(Access access, Work work) {
    if (waiting_ >= max_waiting_) {
      co_return absl::ResourceExhaustedError(absl::StrCat(
          "database: ", max_waiting_, " pieces of work wait for it already"));
    }
    ++waiting_;
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                            void(absl::Status)>(
        [this, access, work = std::move(work)](auto handler) mutable {
          asio::post(access == Access::kWrite ? writer_ : readers_,
                     [this, access, work = std::move(work),
                      handler = std::move(handler)]() mutable {
                       absl::Status status =
                           stopping_ ? absl::CancelledError("database closes")
                                     : Perform(access, work);
                       --waiting_;
                       asio::post(loop_,
                                  [handler = std::move(handler),
                                   status = std::move(status)]() mutable {
                                    std::move(handler)(std::move(status));
                                  });
                     });
        },
        asio::use_awaitable);
  }

 private:
  absl::Status Perform(Access access, const Work& work) {
    for (int tries = 1;; ++tries) {
      Try tried = PerformOnce(access, work);
      if (!tried.again || tries == kMaxTries) return tried.status;
    }
  }

  Try PerformOnce(Access access, const Work& work) {
    Sessions& sessions = access == Access::kWrite ? writing_ : reading_;
    std::unique_ptr<Session> session = sessions.TakeIdle();
    const bool was_idle = session != nullptr;
    if (!was_idle) {
      absl::StatusOr<std::unique_ptr<Session>> opened = sessions.Open();
      if (!opened.ok()) return {opened.status()};
      session = *std::move(opened);
    }
    bool committing = false;
    try {
      if (access != Access::kLook) session->Begin();
      Transaction transaction = session->transaction();
      absl::Status status = work(transaction);
      if (access == Access::kLook) {
        // Nothing was begun.
      } else if (status.ok()) {
        committing = true;
        session->Commit();
      } else {
        session->Rollback();
      }
      sessions.Give(std::move(session));
      return {status};
    } catch (const std::exception& thrown) {
      // The session ends here, and with it what was begun.
      Failure failure = FailureOf(url_, thrown);
      if (committing && failure.lost) {
        return {Annotate(failure.status, "commit of unknown outcome")};
      }
      // One that was idle may have been lost long ago: try with a new one.
      return {failure.status, failure.again || (failure.lost && was_idle)};
    }
  }

  const DatabaseUrl url_;
  const size_t max_waiting_;
  asio::io_context& loop_;
  std::atomic<size_t> waiting_ = 0;
  std::atomic<bool> stopping_ = false;
  Sessions reading_;
  Sessions writing_;
  asio::thread_pool writer_{1};
  asio::thread_pool readers_;  // last, with writer_: they use all the rest
};

absl::StatusOr<std::unique_ptr<Database>> Database::Create(
    const Options& options, asio::io_context& loop) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(DatabaseUrl url, ParseDatabaseUrl(options.url));
  return std::unique_ptr<Database>(
      new Database(std::make_unique<State>(std::move(url), options, loop)));
}

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}

Database::~Database() = default;

Dialect Database::dialect() const { return state_->dialect(); }

asio::awaitable<absl::Status> Database::Run(Access access, Work work) {
  return state_->Run(access, std::move(work));
}

asio::awaitable<absl::Status> Database::Migrate() {
  for (int version = 0; version < SchemaVersion(); ++version) {
    LAMPLIGHTER_CO_RETURN_IF_ERROR(
        co_await Run(Access::kWrite, [version](Transaction& transaction) {
          return MigrateFrom(version, transaction);
        }));
  }
  co_return co_await Run(Access::kWrite, &CheckSchemaVersion);
}

}  // namespace lamplighter::reposync
