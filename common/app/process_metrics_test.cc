#include "common/app/process_metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::HasSubstr;

// The value of a metric without labels; -1 if it is not there.
double Value(const Metrics& metrics, absl::string_view name) {
  const std::string text = absl::StrCat("\n", metrics.Text());
  const std::string start = absl::StrCat("\n", name, " ");
  const size_t at = text.find(start);
  if (at == std::string::npos) return -1;
  const size_t from = at + start.size();
  double value = -1;
  return absl::SimpleAtod(text.substr(from, text.find('\n', from) - from),
                          &value)
             ? value
             : -1;
}

class ProcessMetricsTest : public ::testing::Test {
 protected:
  Metrics metrics_;
  ProcessMetrics process_{metrics_, absl::FromUnixSeconds(1'700'000'000)};
};

TEST_F(ProcessMetricsTest, SaysWhatRuns) {
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("lamplighter_build_info{revision=\"unknown\","
                        "version=\"0.1.0\"} 1\n"));
  EXPECT_EQ(Value(metrics_, "process_start_time_seconds"), 1'700'000'000);
}

TEST_F(ProcessMetricsTest, CountsOpenFiles) {
  process_.Update();
  const double before = Value(metrics_, "process_open_fds");
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  process_.Update();
  EXPECT_EQ(Value(metrics_, "process_open_fds"), before + 1);
  close(fd);
}

TEST_F(ProcessMetricsTest, MeasuresMemory) {
  process_.Update();
  const double before = Value(metrics_, "process_resident_memory_bytes");
  EXPECT_GT(before, 1 << 20);
  const auto more = std::make_unique<volatile char[]>(64 << 20);
  for (size_t i = 0; i < 64 << 20; i += 1024) more[i] = 'x';
  process_.Update();
  EXPECT_GT(Value(metrics_, "process_resident_memory_bytes"),
            before + (32 << 20));
}

TEST_F(ProcessMetricsTest, CpuTimeOnlyGrows) {
  process_.Update();
  const double before = Value(metrics_, "process_cpu_seconds_total");
  EXPECT_GE(before, 0);
  volatile uint64_t sum = 0;
  for (uint64_t i = 0; i < 50'000'000; ++i) sum = sum + i;
  process_.Update();
  EXPECT_GT(Value(metrics_, "process_cpu_seconds_total"), before);
}

}  // namespace
}  // namespace lamplighter
