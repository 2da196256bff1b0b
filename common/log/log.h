#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace lamplighter {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError };
enum class LogFormat : uint8_t { kText, kJson };

// Sets up the process's log, on standard error. Until then it is text at kInfo.
// Call once, before other threads start.
void InitLog(LogFormat format, LogLevel level);

namespace log_internal {

bool Enabled(LogLevel level);

// One line in the making; written when it is destroyed.
class Line {
 public:
  Line(LogLevel level, absl::string_view message);
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line();

  // Adds a field: a string, number, bool, absl::Status, Duration or Time. `key`
  // is a constant in snake_case. What could break the line is escaped in
  // `value`, and what is longer than 2 KiB is cut.
  template <typename T>
  Line& With(absl::string_view key, const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      AddLiteral(key, value ? "true" : "false");
    } else if constexpr (std::is_arithmetic_v<T>) {
      AddLiteral(key, absl::StrCat(value));
    } else if constexpr (std::is_same_v<T, absl::Status>) {
      Add(key, absl::StrCat(absl::StatusCodeToString(value.code()), ": ",
                            value.message()));
    } else if constexpr (std::is_same_v<T, absl::Duration>) {
      Add(key, absl::FormatDuration(value));
    } else if constexpr (std::is_same_v<T, absl::Time>) {
      Add(key, absl::FormatTime(value, absl::UTCTimeZone()));
    } else {
      Add(key, absl::string_view(value));
    }
    return *this;
  }

 private:
  void Add(absl::string_view key, absl::string_view value);
  void AddLiteral(absl::string_view key, absl::string_view value);

  std::string text_;
};

// Lets one through each second. Thread-safe.
class Throttle {
 public:
  bool Pass();
  // The same for a caller who tells the monotonic time.
  bool PassAt(absl::Duration now);
  // How many did not pass since the last call.
  int64_t TakeSuppressed() { return suppressed_.exchange(0); }

 private:
  std::atomic<int64_t> next_nanos_ = std::numeric_limits<int64_t>::min();
  std::atomic<int64_t> suppressed_ = 0;
};

[[noreturn]] void Die(const char* file, int line, absl::string_view condition,
                      absl::string_view message);

}  // namespace log_internal
}  // namespace lamplighter

// LAMPLIGHTER_LOG(kInfo, "listening").With("address", address);
//
// The message is a fixed phrase; what varies goes into fields, so that lines
// can be searched. Never log a secret, a body or a query. Arguments of With()
// are not evaluated where the level is off.
//
// (The switch keeps an `else` after the macro with the `if` before it.)
#define LAMPLIGHTER_LOG(level, message)        \
  switch (0)                                   \
  case 0:                                      \
  default:                                     \
    if (!::lamplighter::log_internal::Enabled( \
            ::lamplighter::LogLevel::level)) { \
    } else                                     \
      ::lamplighter::log_internal::Line(::lamplighter::LogLevel::level, message)

// The same, but at most once a second per place: for what outsiders can cause.
// Says how many lines were left out before it, as field `suppressed`.
#define LAMPLIGHTER_LOG_EVERY_SECOND(level, message)                       \
  switch (0)                                                               \
  case 0:                                                                  \
  default:                                                                 \
    if (static ::lamplighter::log_internal::Throttle lamplighter_throttle; \
        !::lamplighter::log_internal::Enabled(                             \
            ::lamplighter::LogLevel::level) ||                             \
        !lamplighter_throttle.Pass()) {                                    \
    } else                                                                 \
      ::lamplighter::log_internal::Line(::lamplighter::LogLevel::level,    \
                                        message)                           \
          .With("suppressed", lamplighter_throttle.TakeSuppressed())

// Ends the process with a message if `condition`, which cannot be false, is.
// Never for input.
#define LAMPLIGHTER_CHECK(condition, message)                          \
  do {                                                                 \
    if (!(condition)) {                                                \
      ::lamplighter::log_internal::Die(__FILE__, __LINE__, #condition, \
                                       message);                       \
    }                                                                  \
  } while (false)
