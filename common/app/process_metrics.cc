#include "common/app/process_metrics.h"

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "common/app/version.h"
#include <sys/resource.h>

namespace lamplighter {
namespace {

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return absl::ToDoubleSeconds(absl::DurationFromTimeval(usage.ru_utime) +
                               absl::DurationFromTimeval(usage.ru_stime));
}

double ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total_pages = 0;
  int64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return static_cast<double>(resident_pages * sysconf(_SC_PAGESIZE));
}

double OpenFds() {
  std::error_code error;
  int64_t count = -1;  // the one that the count itself opens
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    ++count;
  }
  return static_cast<double>(count);
}

}  // namespace

ProcessMetrics::ProcessMetrics(Metrics& metrics, absl::Time start)
    : cpu_seconds_(metrics
                       .AddCounters("process_cpu_seconds_total",
                                    "User and system CPU time spent.")
                       .Add({})),
      resident_bytes_(metrics
                          .AddGauges("process_resident_memory_bytes",
                                     "Resident memory size.")
                          .Add({})),
      open_fds_(metrics.AddGauges("process_open_fds", "Open file descriptors.")
                    .Add({})) {
  metrics
      .AddGauges("process_start_time_seconds",
                 "Start of the process, since the Unix epoch.")
      .Add({})
      .Set(absl::ToDoubleSeconds(start - absl::UnixEpoch()));
  metrics.AddGauges("lamplighter_build_info", "What is running; always 1.")
      .Add({{"version", kVersion}, {"revision", kRevision}})
      .Set(1);
}

void ProcessMetrics::Update() {
  cpu_seconds_.Increment(CpuSeconds() - cpu_seconds_.Value());
  resident_bytes_.Set(ResidentBytes());
  open_fds_.Set(OpenFds());
}

}  // namespace lamplighter
