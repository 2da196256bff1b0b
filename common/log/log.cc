#include "common/log/log.h"

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "common/log/escape.h"
#include "common/time/clock.h"
#include "spdlog/logger.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace lamplighter {
namespace {

constexpr size_t kMaxValue = 2048;
constexpr absl::string_view kLevels[] = {"debug", "info", "warning", "error"};

std::atomic<LogFormat> format_of_lines = LogFormat::kText;
std::atomic<LogLevel> lowest_level = LogLevel::kInfo;

std::unique_ptr<spdlog::formatter> TimeFormatter(LogFormat format) {
  return std::make_unique<spdlog::pattern_formatter>(
      format == LogFormat::kJson ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})"
                                 : "%Y-%m-%dT%H:%M:%S.%eZ %v",
      spdlog::pattern_time_type::utc);
}

// Adds the time, locks and writes; what a line says is rendered by Line.
spdlog::logger& Logger() {
  static auto* const kLogger =
      [] {  // never destroyed: threads may outlive main
        auto* logger = new spdlog::logger(
            "lamplighter", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        logger->set_level(spdlog::level::trace);
        logger->set_formatter(TimeFormatter(LogFormat::kText));
        return logger;
      }();
  return *kLogger;
}

bool IsJson() { return format_of_lines == LogFormat::kJson; }

}  // namespace

void InitLog(LogFormat format, LogLevel level) {
  Logger().set_formatter(TimeFormatter(format));
  format_of_lines = format;
  lowest_level = level;
}

namespace log_internal {

bool Enabled(LogLevel level) {
  return level >= lowest_level.load(std::memory_order_relaxed);
}

Line::Line(LogLevel level, absl::string_view message) {
  const absl::string_view name = kLevels[static_cast<size_t>(level)];
  if (IsJson()) {
    absl::StrAppend(&text_, R"("level":")", name, R"(","message":)");
    AppendQuoted(message, text_);
  } else {
    absl::StrAppend(&text_, absl::AsciiStrToUpper(name), " ");
    AppendEscaped(message, text_);
  }
}

Line::~Line() {
  // A string_view is not taken for a format string. The level is in the text.
  Logger().log(spdlog::level::info,
               spdlog::string_view_t(text_.data(), text_.size()));
}

void Line::Add(absl::string_view key, absl::string_view value) {
  value = value.substr(0, kMaxValue);
  const bool quotes = IsJson() || NeedsQuotes(value);
  AddLiteral(key, quotes ? "" : value);
  if (quotes) AppendQuoted(value, text_);
}

void Line::AddLiteral(absl::string_view key, absl::string_view value) {
  if (!IsJson()) {
    absl::StrAppend(&text_, " ", key, "=", value);
  } else if (value == "nan" || value == "inf" || value == "-inf") {
    absl::StrAppend(&text_, ",\"", key, "\":null");  // JSON cannot say it
  } else {
    absl::StrAppend(&text_, ",\"", key, "\":", value);
  }
}

bool Throttle::Pass() { return PassAt(Clock::System().MonotonicNow()); }

bool Throttle::PassAt(absl::Duration now) {
  const int64_t nanos = absl::ToInt64Nanoseconds(now);
  int64_t next = next_nanos_.load();
  // Of threads that come at once, the one that moves `next_nanos_` passes.
  if (nanos >= next &&
      next_nanos_.compare_exchange_strong(next, nanos + 1'000'000'000)) {
    return true;
  }
  ++suppressed_;
  return false;
}

void Die(const char* file, int line, absl::string_view condition,
         absl::string_view message) {
  Line(LogLevel::kError, "check failed")
      .With("condition", condition)
      .With("problem", message)
      .With("at", absl::StrCat(file, ":", line));
  std::abort();
}

}  // namespace log_internal
}  // namespace lamplighter
