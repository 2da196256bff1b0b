#pragma once

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/executor_work_guard.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "common/async/timer_sleeper.h"
#include "common/kafka/record.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gtest/gtest.h"
#include "services/ingest/metrics.h"
#include "services/ingest/spool/spool_file.h"
#include "services/ingest/spool/spooling_producer.h"
#include "services/ingest/spool/testing/fake_broker.h"

namespace lamplighter::ingest {

// How a produced record has ended, once it has.
using Result = absl::optional<absl::StatusOr<RecordPosition>>;

// A SpoolingProducer on a file and a broker that the test commands. The test
// turns the loop.
class SpoolingProducerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RemoveFile();
    options_.pause = absl::Milliseconds(1);
    file_options_ = {.path = path_, .min_free_bytes = 0};
    Open();
  }
  void TearDown() override {
    Close();
    RemoveFile();
  }

  void RemoveFile() {
    for (const char* const suffix : {"", "-wal"}) {
      std::remove(absl::StrCat(path_, suffix).c_str());
    }
  }

  // Without waiting for what is under way.
  void Close() {
    if (producer_ == nullptr) return;
    broker_.Stop();
    bool stopped = false;
    boost::asio::co_spawn(
        loop_, producer_->Stop(absl::ZeroDuration()),
        [&stopped](const std::exception_ptr&) { stopped = true; });
    RunUntil([&stopped] { return stopped; });
    producer_.reset();
  }

  // Anew, as in a new process.
  void Open() {
    Close();
    metrics_ = std::make_unique<Metrics>();
    spool_metrics_ = std::make_unique<SpoolMetrics>(*metrics_);
    auto file = SpoolFile::Open(file_options_);
    ASSERT_THAT(file, IsOk());
    producer_ = std::make_unique<SpoolingProducer>(options_, *std::move(file),
                                                   broker_, loop_, sleeper_,
                                                   *spool_metrics_, clock_);
    producer_->Start();
  }

  // Runs the loop until `done`, for ten seconds at most.
  template <typename F>
  void RunUntil(F done) {
    bool expired = false;
    boost::asio::steady_timer limit(loop_, std::chrono::seconds(10));
    limit.async_wait([&expired](boost::system::error_code error) {
      if (!error) expired = true;
    });
    while (!done() && !expired) loop_.run_one();
    ASSERT_FALSE(expired) << metrics_->Text();
  }

  std::shared_ptr<Result> Produce(const std::string& key,
                                  const std::string& value,
                                  const std::string& topic = "topic") {
    auto result = std::make_shared<Result>();
    producer_->Produce({topic, key, value, {{"ce_id", value}}},
                       [result](absl::StatusOr<RecordPosition> done) {
                         result->emplace(std::move(done));
                       });
    return result;
  }

  absl::Status Await(const std::shared_ptr<Result>& result) {
    RunUntil([&] { return result->has_value(); });
    return result->has_value() ? (*result)->status()
                               : absl::UnknownError("not done");
  }

  absl::Status ProduceAndAwait(const std::string& key, const std::string& value,
                               const std::string& topic = "topic") {
    return Await(Produce(key, value, topic));
  }

  void AwaitDrained() {
    RunUntil([this] {
      return Metric("spool_records{state=\"waiting\"}") == 0 &&
             broker_.parked() == 0 && producer_->Ready().ok();
    });
  }

  double Metric(const std::string& name) const {
    const std::string text = metrics_->Text();
    const std::string line = absl::StrCat("\nlamplighter_ingest_", name, " ");
    const size_t at = text.find(line);
    return at == std::string::npos ? -1
                                   : std::stod(text.substr(at + line.size()));
  }

  const std::string path_ =
      absl::StrCat(::testing::TempDir(), "/spool.", getpid(), ".db");
  boost::asio::io_context loop_;
  // So that it does not stop when it is idle.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      work_{loop_.get_executor()};
  TimerSleeper sleeper_;
  FakeClock clock_;
  FakeBroker broker_{loop_};
  SpoolFile::Options file_options_;
  SpoolingProducer::Options options_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<SpoolMetrics> spool_metrics_;
  std::unique_ptr<SpoolingProducer> producer_;
};

}  // namespace lamplighter::ingest
