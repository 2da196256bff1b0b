#pragma once

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/reposync/store/database.h"
#include "services/reposync/store/testing/test_postgresql.h"

namespace lamplighter::reposync {

// A suite that runs on both databases, each test on an empty one of its own:
//
//   using LeaseStoreTest = StoreTest;
//   LAMPLIGHTER_ON_BOTH_DATABASES(LeaseStoreTest);
//   TEST_P(LeaseStoreTest, ...) { Run(store.Take(...)); }
class StoreTest : public testing::TestWithParam<Dialect> {
 protected:
  void SetUp() override {
    if (GetParam() == Dialect::kSqlite) {
      static int made = 0;
      const std::string file =
          absl::StrCat(testing::TempDir(), "/store_", ++made, ".db");
      for (const char* part : {"", "-wal", "-shm"}) {
        std::remove(absl::StrCat(file, part).c_str());
      }
      url_ = absl::StrCat("sqlite://", file);
    } else if (TestPostgresql* postgresql = TestPostgresql::Get()) {
      url_ = postgresql->CreateDatabase();
    } else {
      GTEST_SKIP() << "there is no PostgreSQL here";
    }
    database_ = Open();
    if (migrated_) ASSERT_TRUE(Run(database_->Migrate()).ok());
  }

  // The same database once more, as another process has it.
  std::unique_ptr<Database> Open(size_t sessions = 2) {
    Database::Options options;
    options.url = url_;
    options.sessions = sessions;
    absl::StatusOr<std::unique_ptr<Database>> database =
        Database::Create(options, loop_);
    EXPECT_TRUE(database.ok()) << database.status();
    return *std::move(database);
  }

  // Runs the loop until the coroutine has ended.
  template <typename T>
  T Run(boost::asio::awaitable<T> coroutine) {
    absl::optional<T> result;
    boost::asio::co_spawn(loop_, std::move(coroutine),
                          [&result](const std::exception_ptr& error, T value) {
                            if (error) std::rethrow_exception(error);
                            result = std::move(value);
                          });
    while (!result.has_value()) {
      loop_.restart();
      if (loop_.run_one_for(std::chrono::seconds(60)) == 0) break;
    }
    return *std::move(result);
  }

  bool migrated_ = true;  // false: a suite that migrates itself
  boost::asio::io_context loop_;
  FakeClock clock_;
  std::string url_;
  std::unique_ptr<Database> database_;
};

inline std::string NameOfDialect(
    const testing::TestParamInfo<Dialect>& dialect) {
  return dialect.param == Dialect::kSqlite ? "Sqlite" : "Postgresql";
}

}  // namespace lamplighter::reposync

#define LAMPLIGHTER_ON_BOTH_DATABASES(suite)                          \
  INSTANTIATE_TEST_SUITE_P(                                           \
      , suite,                                                        \
      testing::Values(::lamplighter::reposync::Dialect::kSqlite,      \
                      ::lamplighter::reposync::Dialect::kPostgresql), \
      ::lamplighter::reposync::NameOfDialect)
