#include "services/reposync/store/database.h"

#include <chrono>
#include <exception>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "boost/asio/co_spawn.hpp"
#include "common/status/testing/status_matchers.h"
#include "services/reposync/store/testing/store_test_fixture.h"
#include "soci/soci.h"

namespace lamplighter::reposync {
namespace {

using testing::HasSubstr;
using testing::Not;

absl::StatusOr<int64_t> CountLeases(Transaction& transaction) {
  int64_t count = 0;
  transaction.sql << "SELECT COUNT(*) FROM leases", soci::into(count);
  return count;
}

absl::StatusOr<int64_t> InsertLease(Transaction& transaction) {
  transaction.sql << "INSERT INTO leases(name, owner, until, position) "
                     "VALUES ('a', 'b', 1, 2)";
  return 1;
}

class DatabaseTest : public StoreTest {
 protected:
  absl::StatusOr<int64_t> Count() {
    return Run(database_->Read<int64_t>(&CountLeases));
  }
  absl::Status WriteSql(const std::string& sql) {
    return Run(database_->Write<int64_t>(
                   [sql](Transaction& transaction) -> absl::StatusOr<int64_t> {
                     transaction.sql << sql;
                     return 1;
                   }))
        .status();
  }
};
LAMPLIGHTER_ON_BOTH_DATABASES(DatabaseTest);

TEST_P(DatabaseTest, WhatWasWrittenIsReadByAll) {
  EXPECT_THAT(Run(database_->Write<int64_t>(&InsertLease)), IsOk());
  EXPECT_EQ(*Count(), 1);
  EXPECT_EQ(*Run(Open()->Read<int64_t>(&CountLeases)), 1);
}

TEST_P(DatabaseTest, WorkThatReturnsAnErrorOrThrowsIsRolledBack) {
  const auto failed = Run(database_->Write<int64_t>(
      [](Transaction& transaction) -> absl::StatusOr<int64_t> {
        (void)InsertLease(transaction);
        return absl::NotFoundError("no");
      }));
  EXPECT_THAT(failed, StatusIs(absl::StatusCode::kNotFound));
  const auto threw = Run(database_->Write<int64_t>(
      [](Transaction& transaction) -> absl::StatusOr<int64_t> {
        (void)InsertLease(transaction);
        transaction.sql << "SELECT nonsense";
        return 1;
      }));
  EXPECT_THAT(threw, StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(*Count(), 0);
  EXPECT_THAT(Run(database_->Write<int64_t>(&InsertLease)), IsOk());
}

TEST_P(DatabaseTest, WhatOnlyReadsCannotWrite) {
  EXPECT_THAT(Run(database_->Read<int64_t>(&InsertLease)), Not(IsOk()));
  EXPECT_THAT(Run(database_->Look<int64_t>(&InsertLease)), Not(IsOk()));
  EXPECT_EQ(*Count(), 0);
}

TEST_P(DatabaseTest, TwoProcessesThatWriteAtOnceLoseNothing) {
  EXPECT_THAT(Run(database_->Write<int64_t>(&InsertLease)), IsOk());
  std::unique_ptr<Database> other = Open();
  const auto raise = [](Transaction& transaction) -> absl::StatusOr<int64_t> {
    int64_t position = 0;
    transaction.sql << "SELECT position FROM leases", soci::into(position);
    ++position;
    transaction.sql << "UPDATE leases SET position = :p", soci::use(position);
    return position;
  };
  int ended = 0;
  for (int i = 0; i < 50; ++i) {
    for (Database* database : {database_.get(), other.get()}) {
      boost::asio::co_spawn(
          loop_, database->Write<int64_t>(raise),
          [&ended](const std::exception_ptr&, absl::StatusOr<int64_t> done) {
            EXPECT_THAT(done, IsOk());
            ++ended;
          });
    }
  }
  while (ended < 100) {
    loop_.restart();
    ASSERT_GT(loop_.run_one_for(std::chrono::seconds(60)), 0);
  }
  EXPECT_EQ(*Run(database_->Write<int64_t>(raise)), 2 + 100 + 1);
}

TEST_P(DatabaseTest, MoreWorkThanMayWaitIsRefused) {
  Database::Options options;
  options.url = url_;
  options.max_waiting = 2;
  auto database = *Database::Create(options, loop_);
  absl::Notification go;
  int refused = 0, ended = 0;
  for (int i = 0; i < 3; ++i) {
    boost::asio::co_spawn(
        loop_,
        database->Read<int64_t>([&go](Transaction&) -> absl::StatusOr<int64_t> {
          go.WaitForNotification();
          return 1;
        }),
        [&](const std::exception_ptr&, absl::StatusOr<int64_t> done) {
          ++ended;
          refused += absl::IsResourceExhausted(done.status()) ? 1 : 0;
        });
  }
  loop_.restart();
  while (loop_.poll_one() > 0) {
  }
  EXPECT_EQ(refused, 1);
  go.Notify();
  while (ended < 3) {
    loop_.restart();
    ASSERT_GT(loop_.run_one_for(std::chrono::seconds(60)), 0);
  }
  EXPECT_EQ(refused, 1);
}

TEST_P(DatabaseTest, WhatWaitsWhenItClosesIsCancelledOrDone) {
  int ended = 0, good = 0;
  for (int i = 0; i < 20; ++i) {
    boost::asio::co_spawn(
        loop_, database_->Read<int64_t>(&CountLeases),
        [&](const std::exception_ptr&, absl::StatusOr<int64_t> done) {
          ++ended;
          good += done.ok() || absl::IsCancelled(done.status()) ? 1 : 0;
        });
  }
  loop_.restart();
  while (loop_.poll_one() > 0) {
  }
  database_.reset();
  loop_.restart();
  loop_.run();
  EXPECT_EQ(ended, 20);
  EXPECT_EQ(good, 20);
}

TEST_P(DatabaseTest, MigratesOnceHoweverManyBeginAtOnce) {
  std::unique_ptr<Database> one = Open(), two = Open();
  if (database_->dialect() == Dialect::kSqlite) {
    for (const char* table : {"search_trigrams", "repository_words"}) {
      ASSERT_THAT(WriteSql(absl::StrCat("DROP TABLE ", table)), IsOk());
    }
  }
  for (const char* table : {"repositories", "reaches", "changes", "pages",
                            "refreshes", "connections", "hooks", "attachments",
                            "leases", "search_words", "schema_version"}) {
    ASSERT_THAT(WriteSql(absl::StrCat("DROP TABLE ", table)), IsOk());
  }
  int ended = 0;
  for (Database* database : {one.get(), two.get()}) {
    boost::asio::co_spawn(loop_, database->Migrate(),
                          [&](const std::exception_ptr&, absl::Status done) {
                            EXPECT_THAT(done, IsOk());
                            ++ended;
                          });
  }
  while (ended < 2) {
    loop_.restart();
    ASSERT_GT(loop_.run_one_for(std::chrono::seconds(60)), 0);
  }
  EXPECT_EQ(*Count(), 0);
}

TEST_P(DatabaseTest, ANewerSchemaIsRefused) {
  ASSERT_THAT(WriteSql("UPDATE schema_version SET version = 1000"), IsOk());
  EXPECT_THAT(Run(database_->Migrate()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("version 1000")));
}

TEST_P(DatabaseTest, ALostSessionIsOpenedAnew) {
  if (GetParam() == Dialect::kSqlite) GTEST_SKIP() << "it has no server";
  EXPECT_THAT(Run(database_->Write<int64_t>(&InsertLease)), IsOk());
  EXPECT_EQ(*Count(), 1);
  TestPostgresql::Get()->Execute(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
      "application_name = 'lamplighter-reposync'");
  EXPECT_EQ(*Count(), 1);
  EXPECT_THAT(WriteSql("UPDATE leases SET position = 5"), IsOk());
}

TEST_P(DatabaseTest, ASessionThatIsLostInTheMidstIsUnavailable) {
  if (GetParam() == Dialect::kSqlite) GTEST_SKIP() << "it has no server";
  const auto lost = Run(database_->Write<int64_t>(
      [](Transaction& transaction) -> absl::StatusOr<int64_t> {
        (void)InsertLease(transaction);
        transaction.sql << "SELECT pg_terminate_backend(pg_backend_pid())";
        return 1;
      }));
  EXPECT_THAT(lost, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(*Count(), 0);
}

TEST_P(DatabaseTest, AFullDiskIsUnavailableAndPasses) {
  if (GetParam() == Dialect::kPostgresql) GTEST_SKIP() << "cannot be filled";
  const auto filled = Run(database_->Write<int64_t>(
      [](Transaction& transaction) -> absl::StatusOr<int64_t> {
        transaction.sql << "PRAGMA max_page_count = 1";
        const std::string large(1 << 20, 'x');
        transaction.sql << "INSERT INTO leases(name, owner, until, position) "
                           "VALUES ('large', :large, 1, 2)",
            soci::use(large);
        return 1;
      }));
  EXPECT_THAT(filled, StatusIs(absl::StatusCode::kUnavailable,
                               HasSubstr("disk is full")));
  EXPECT_THAT(Run(database_->Write<int64_t>(&InsertLease)), IsOk());
}

TEST(DatabaseUrlTest, AMissingFolderIsUnavailableAndNamed) {
  boost::asio::io_context loop;
  auto database =
      *Database::Create({.url = "sqlite:///nowhere/catalog.db"}, loop);
  absl::optional<absl::Status> status;
  boost::asio::co_spawn(
      loop, database->Migrate(),
      [&](const std::exception_ptr&, absl::Status done) { status = done; });
  while (!status.has_value()) {
    loop.restart();
    loop.run_one_for(std::chrono::seconds(10));
  }
  EXPECT_THAT(*status, StatusIs(absl::StatusCode::kUnavailable,
                                HasSubstr("/nowhere/catalog.db")));
}

TEST(DatabaseUrlTest, ThePasswordIsInNoMessage) {
  boost::asio::io_context loop;
  auto database = *Database::Create(
      {.url = "postgresql://me:hunter%32@127.0.0.1:1/catalog"}, loop);
  absl::optional<absl::Status> status;
  boost::asio::co_spawn(
      loop, database->Migrate(),
      [&](const std::exception_ptr&, absl::Status done) { status = done; });
  while (!status.has_value()) {
    loop.restart();
    loop.run_one_for(std::chrono::seconds(10));
  }
  EXPECT_THAT(*status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(status->message()), Not(HasSubstr("hunter")));
  for (const char* url :
       {"", "mysql://a", "sqlite://relative", "sqlite:///folder/",
        "postgresql://me:hunter2@host", "postgresql://me:hunter2@host/",
        "postgresql://me:hunter2%zz@host/db",
        "postgresql://host/db?password=hunter2"}) {
    const absl::Status refused = Database::Create({.url = url}, loop).status();
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument)) << url;
    EXPECT_THAT(std::string(refused.message()), Not(HasSubstr("hunter")));
  }
}

}  // namespace
}  // namespace lamplighter::reposync
