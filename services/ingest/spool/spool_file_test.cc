#include "services/ingest/spool/spool_file.h"

#include <sqlite3.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

namespace lamplighter::ingest {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

class SpoolFileTest : public ::testing::Test {
 protected:
  void SetUp() override { RemoveFile(); }
  void TearDown() override {
    file_.reset();
    RemoveFile();
  }

  void RemoveFile() {
    for (const char* const suffix : {"", "-wal", "-shm", "-journal"}) {
      std::remove(absl::StrCat(options_.path, suffix).c_str());
    }
  }

  void Open() {
    file_.reset();  // or it would be in the way
    auto opened = SpoolFile::Open(options_);
    ASSERT_THAT(opened, IsOk());
    file_ = *std::move(opened);
  }

  absl::Status Append(int64_t id, const std::string& bytes) {
    return file_->Append({{id, bytes}}, kNow + absl::Seconds(id));
  }

  absl::Status Deliver(std::vector<int64_t> ids) {
    return file_->Settle({.delivered = std::move(ids), .refused = {}}, kNow);
  }

  std::vector<int64_t> Ids(size_t max_records = 1000,
                           size_t max_bytes = 1 << 30) {
    auto records = file_->Read(max_records, max_bytes);
    EXPECT_THAT(records, IsOk());
    std::vector<int64_t> ids;
    for (const SpooledRecord& record : *records) ids.push_back(record.id);
    return ids;
  }

  // Runs SQL on the file from outside; it must not be open.
  void RunSql(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(options_.path.c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr),
              SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  SpoolFile::Options options_ = {
      .path = absl::StrCat(::testing::TempDir(), "/spool.", getpid(), ".db"),
      .max_bytes = 1 << 20,
      .min_free_bytes = 0};
  std::unique_ptr<SpoolFile> file_;
};

TEST_F(SpoolFileTest, ReadsRecordsInTheOrderOfTheirIdsAsTheyWere) {
  Open();
  const std::string bytes("\0 b\xff", 4);
  ASSERT_THAT(Append(3, "c"), IsOk());
  ASSERT_THAT(file_->Append({{2, bytes}, {1, ""}}, kNow), IsOk());
  EXPECT_THAT(Ids(), ElementsAre(1, 2, 3));
  const auto records = file_->Read(10, 100);
  EXPECT_EQ((*records)[0].bytes, "");
  EXPECT_EQ((*records)[1].bytes, bytes);
}

TEST_F(SpoolFileTest, HasEverythingAfterItIsOpenedAgain) {
  Open();
  ASSERT_THAT(Append(1, "a"), IsOk());
  ASSERT_THAT(Append(2, "b"), IsOk());
  ASSERT_THAT(Append(7, "c"), IsOk());
  ASSERT_THAT(file_->Settle({.delivered = {1},
                             .refused = {{{7, "c"}, "topic", "key", "no"}}},
                            kNow),
              IsOk());
  Open();
  EXPECT_THAT(Ids(), ElementsAre(2));
  EXPECT_EQ(file_->usage().records, 1);
  EXPECT_EQ(file_->usage().refused, 1);
  EXPECT_EQ(file_->usage().oldest, kNow + absl::Seconds(2));
  EXPECT_EQ(file_->next_id(), 8);
}

TEST_F(SpoolFileTest, HasWhatWasAppendedByAProcessThatWasKilled) {
  const pid_t child = fork();
  if (child == 0) {
    auto file = SpoolFile::Open(options_);
    if (!file.ok() || !(*file)->Append({{1, "a"}}, kNow).ok()) _exit(1);
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  Open();
  EXPECT_THAT(Ids(), ElementsAre(1));
}

TEST_F(SpoolFileTest, ReadsNoMoreThanAskedForButOneAtLeast) {
  Open();
  ASSERT_THAT(
      file_->Append({{1, "aaaa"}, {2, "bbbb"}, {3, "cccc"}, {4, "d"}}, kNow),
      IsOk());
  EXPECT_THAT(Ids(2), ElementsAre(1, 2));
  EXPECT_THAT(Ids(10, 9), ElementsAre(1, 2));
  EXPECT_THAT(Ids(10, 1), ElementsAre(1));
}

TEST_F(SpoolFileTest, TellsHowOldTheOldestIsAndNothingOfAnEmptySpool) {
  Open();
  EXPECT_EQ(file_->usage().oldest, absl::InfiniteFuture());
  ASSERT_THAT(Append(1, "a"), IsOk());
  ASSERT_THAT(Append(2, "b"), IsOk());
  EXPECT_EQ(file_->usage().oldest, kNow + absl::Seconds(1));
  ASSERT_THAT(Deliver({1}), IsOk());
  EXPECT_EQ(file_->usage().oldest, kNow + absl::Seconds(2));
  ASSERT_THAT(Deliver({2}), IsOk());
  EXPECT_EQ(file_->usage().oldest, absl::InfiniteFuture());
  EXPECT_THAT(Ids(), IsEmpty());
}

TEST_F(SpoolFileTest, KeepsRefusedRecordsForPeopleToReadAndSendAgain) {
  Open();
  ASSERT_THAT(Append(5, "bytes"), IsOk());
  ASSERT_THAT(file_->Settle({.delivered = {},
                             .refused = {{{5, "bytes"}, "t", "k", "why"}}},
                            kNow),
              IsOk());
  EXPECT_THAT(Ids(), IsEmpty());
  file_.reset();
  // As docs/operations.md says.
  RunSql(
      "INSERT INTO spooled SELECT id, refused_at, bytes FROM refused"
      " WHERE topic = 't' AND key = 'k' AND reason = 'why';"
      "DELETE FROM refused;");
  Open();
  EXPECT_EQ(file_->Read(1, 1)->at(0).bytes, "bytes");
  EXPECT_EQ(file_->usage().refused, 0);
}

TEST_F(SpoolFileTest, IsFullAtMaxBytesAndTakesAgainWhatItHasRoomFor) {
  Open();
  const std::string bytes(10'000, 'x');
  int64_t id = 0;
  absl::Status full;
  while (full.ok()) {
    full = Append(++id, bytes);
    ASSERT_LT(id, 200);
  }
  EXPECT_THAT(full, StatusIs(absl::StatusCode::kResourceExhausted,
                             HasSubstr("of 1048576 bytes are used")));
  EXPECT_GT(id, 80);
  EXPECT_EQ(file_->usage().records, id - 1);
  EXPECT_LE(file_->usage().bytes, options_.max_bytes);
  EXPECT_THAT(Append(id, bytes), Not(IsOk()));

  ASSERT_THAT(Deliver({1, 2}), IsOk());
  EXPECT_THAT(Append(id, bytes), IsOk());
  struct stat found = {};
  ASSERT_EQ(stat(options_.path.c_str(), &found), 0);
  EXPECT_LE(found.st_size, options_.max_bytes);
}

TEST_F(SpoolFileTest, TakesNothingOfAGroupThatDoesNotFit) {
  Open();
  const absl::Status full = file_->Append(
      {{1, "small"}, {2, std::string(options_.max_bytes, 'x')}}, kNow);
  EXPECT_THAT(full, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(file_->usage().records, 0);
  EXPECT_THAT(Ids(), IsEmpty());
}

TEST_F(SpoolFileTest, MovesRefusedRecordsWhenFull) {
  Open();
  int64_t next = 1;
  const auto fill = [&](int64_t count) {
    std::vector<SpooledRecord> records;
    for (int64_t i = 0; i < count; ++i) {
      records.push_back({next + i, std::string(100, 'x')});
    }
    const bool fits = file_->Append(records, kNow).ok();
    if (fits) next += count;
    return fits;
  };
  while (fill(100)) continue;
  while (fill(1)) continue;
  const std::string long_text(3000, 'r');
  for (int64_t refused = 1; refused <= 5; ++refused) {
    ASSERT_THAT(
        file_->Settle({.delivered = {},
                       .refused = {{{refused, "x"}, "t", "k", long_text}}},
                      kNow),
        IsOk());
  }
  EXPECT_EQ(file_->usage().refused, 5);
}

TEST_F(SpoolFileTest, LeavesTheDiskSomeRoom) {
  options_.min_free_bytes = int64_t{1} << 60;
  Open();
  EXPECT_THAT(Append(1, "a"), StatusIs(absl::StatusCode::kResourceExhausted,
                                       HasSubstr("make room")));
  EXPECT_EQ(file_->usage().records, 0);
}

TEST_F(SpoolFileTest, LosesNothingToADiskThatTakesNoMoreAndThenDoes) {
  options_.max_bytes = 64 << 20;
  Open();
  ASSERT_THAT(Append(1, "before"), IsOk());

  // Writes beyond it are errors, as on a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before = {};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 1 << 20;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const absl::Status failed = Append(2, std::string(4 << 20, 'x'));
  const absl::Status again = Append(2, std::string(4 << 20, 'x'));
  const absl::Status little = Append(3, "little");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);

  EXPECT_THAT(failed, StatusIs(absl::StatusCode::kUnavailable,
                               HasSubstr("File too large")));
  EXPECT_THAT(again, Not(IsOk()));
  EXPECT_THAT(little, IsOk());
  EXPECT_THAT(Append(2, std::string(4 << 20, 'x')), IsOk());
  Open();
  EXPECT_THAT(Ids(), ElementsAre(1, 2, 3));
}

TEST_F(SpoolFileTest, IsForItsOwnerAlone) {
  Open();
  struct stat found = {};
  ASSERT_EQ(stat(options_.path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  ASSERT_EQ(stat(absl::StrCat(options_.path, "-wal").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
}

TEST_F(SpoolFileTest, IsOpenedOnceAtATime) {
  Open();
  EXPECT_THAT(SpoolFile::Open(options_),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("give each its own file")));
  EXPECT_THAT(Append(1, "a"), IsOk());
  file_.reset();
  Open();
  EXPECT_THAT(Ids(), ElementsAre(1));
}

TEST_F(SpoolFileTest, IsNotOpenedByASecondProcess) {
  Open();
  const pid_t child = fork();
  if (child == 0) {
    _exit(absl::IsFailedPrecondition(SpoolFile::Open(options_).status()) ? 0
                                                                         : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(SpoolFileTest, SaysWhichDirectoryIsMissing) {
  options_.path = absl::StrCat(::testing::TempDir(), "/none/spool.db");
  EXPECT_THAT(
      SpoolFile::Open(options_),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("/none/spool.db: No such file or directory"),
                     HasSubstr("a directory that exists"))));
}

TEST_F(SpoolFileTest, DoesNotTouchAFileThatIsNoDatabase) {
  const std::string text(10'000, 'x');
  std::ofstream(options_.path) << text;
  EXPECT_THAT(SpoolFile::Open(options_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("move it away")));
  std::ifstream file(options_.path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text);
}

TEST_F(SpoolFileTest, DoesNotTakeAnotherProgramsDatabase) {
  RunSql("CREATE TABLE catalog(id INTEGER)");
  EXPECT_THAT(SpoolFile::Open(options_), StatusIs(absl::StatusCode::kDataLoss,
                                                  HasSubstr("is not a spool")));
}

TEST_F(SpoolFileTest, DoesNotTakeALaterVersionsFile) {
  Open();
  file_.reset();
  RunSql("PRAGMA user_version=2");
  EXPECT_THAT(SpoolFile::Open(options_),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("is not a spool of this version")));
}

TEST_F(SpoolFileTest, SaysWhenItIsDamaged) {
  Open();
  for (int64_t id = 1; id <= 50; ++id) {
    ASSERT_THAT(Append(id, std::string(5000, 'x')), IsOk());
  }
  file_.reset();
  std::fstream file(options_.path);
  file.seekp(20 * 4096);
  file << std::string(30 * 4096, '\xff');
  file.close();
  EXPECT_THAT(SpoolFile::Open(options_),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("docs/operations.md"),
                             HasSubstr("move it away"), Not(HasSubstr("\n")))));
}

}  // namespace
}  // namespace lamplighter::ingest
