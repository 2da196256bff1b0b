#include "services/ingest/spool/spool.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/testing/loop_thread.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ingest/spool/spool_file.h"

namespace lamplighter::ingest {
namespace {

using ::testing::Each;
using ::testing::SizeIs;

class SpoolTest : public ::testing::Test {
 protected:
  void SetUp() override { RemoveFile(); }
  void TearDown() override {
    Close();
    RemoveFile();
  }

  void RemoveFile() {
    for (const char* const suffix : {"", "-wal"}) {
      std::remove(absl::StrCat(path_, suffix).c_str());
    }
  }

  void Open() {
    auto file = SpoolFile::Open({.path = path_, .min_free_bytes = 0});
    ASSERT_THAT(file, IsOk());
    loop_.Do([&] {
      spool_ = std::make_unique<Spool>(options_, *std::move(file), loop_.loop(),
                                       clock_);
    });
  }

  void Close() {
    loop_.Do([this] { spool_.reset(); });
  }

  // On the loop. The result goes to results_[id].
  void Append(int64_t id, const std::string& bytes = "x") {
    results_.resize(std::max<size_t>(results_.size(), id + 1),
                    absl::UnknownError("not done"));
    spool_->Append(id, bytes,
                   [this, id](absl::Status done) { results_[id] = done; });
  }

  boost::asio::awaitable<std::vector<SpooledRecord>> Read() {
    auto records = co_await spool_->Read(1000, 1 << 20);
    EXPECT_THAT(records, IsOk());
    co_return *std::move(records);
  }

  // Appends ids 0 to count-1 and reads before any of them can be there.
  boost::asio::awaitable<std::vector<SpooledRecord>> AppendAndRead(int count) {
    for (int id = 0; id < count; ++id) Append(id);
    co_return co_await Read();
  }

  const std::string path_ =
      absl::StrCat(::testing::TempDir(), "/spool.", getpid(), ".db");
  FakeClock clock_;
  LoopThread loop_;
  Spool::Options options_;
  std::unique_ptr<Spool> spool_;
  std::vector<absl::Status> results_;
};

TEST_F(SpoolTest, ReadsAllThatWasAppendedBeforeAlsoWhatStillWaits) {
  options_.max_group_records = 3;
  Open();
  const auto records = loop_.Run(AppendAndRead(20));
  EXPECT_THAT(records, SizeIs(20));
  loop_.Do([this] {
    EXPECT_THAT(results_, Each(IsOk()));
    EXPECT_EQ(spool_->usage().records, 20);
    EXPECT_EQ(spool_->waiting_records(), 0u);
    EXPECT_EQ(spool_->waiting_bytes(), 0u);
  });
}

TEST_F(SpoolTest, RefusesWhatIsTooManyToWait) {
  options_.max_waiting_records = 3;
  Open();
  loop_.Do([this] {
    for (int id = 0; id < 5; ++id) Append(id);
  });
  EXPECT_THAT(loop_.Run(Read()), SizeIs(3));
  EXPECT_THAT(results_[2], IsOk());
  EXPECT_THAT(results_[3], StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(results_[4], StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(SpoolTest, RefusesWhatIsTooLargeToWaitAndTakesMoreLater) {
  options_.max_waiting_bytes = 1000;
  Open();
  loop_.Do([this] {
    Append(0, std::string(600, 'x'));
    Append(1, std::string(600, 'x'));
  });
  EXPECT_THAT(loop_.Run(Read()), SizeIs(1));
  EXPECT_THAT(results_[1], StatusIs(absl::StatusCode::kResourceExhausted));
  loop_.Do([this] { Append(2, std::string(600, 'x')); });
  EXPECT_THAT(loop_.Run(Read()), SizeIs(2));
}

TEST_F(SpoolTest, TellsEachOfAGroupWhatWentWrong) {
  Open();
  loop_.Do([this] {
    Append(0);
    Append(1);
  });
  loop_.Run(Read());
  loop_.Do([this] {
    Append(2);  // alone, as the disk is idle
    Append(3);  // together: an id that is there already fails both
    Append(0);
  });
  EXPECT_THAT(loop_.Run(Read()), SizeIs(3));
  EXPECT_THAT(results_[2], IsOk());
  EXPECT_THAT(results_[3], StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(results_[0], StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SpoolTest, EndsWhatStillWaitsAsCancelledWhenDestroyed) {
  Open();
  loop_.Do([this] {
    for (int id = 0; id < 3; ++id) Append(id);
    spool_.reset();
    EXPECT_THAT(results_, Each(StatusIs(absl::StatusCode::kCancelled)));
  });
}

}  // namespace
}  // namespace lamplighter::ingest
