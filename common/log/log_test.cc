#include "common/log/log.h"

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class LogTest : public ::testing::Test {
 protected:
  void SetUp() override { ::testing::internal::CaptureStderr(); }
  void TearDown() override { InitLog(LogFormat::kText, LogLevel::kInfo); }
  static std::string Written() {
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, WritesTimeLevelMessageAndFields) {
  LAMPLIGHTER_LOG(kInfo, "listening")
      .With("address", "127.0.0.1:8080")
      .With("connections", 4096)
      .With("tls", false);
  EXPECT_THAT(Written(),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:"
                           "[0-9]{2}[.][0-9]{3}Z INFO listening "
                           "address=127.0.0.1:8080 connections=4096 "
                           "tls=false\n"));
}

TEST_F(LogTest, QuotesInTextWhatWouldBeMisread) {
  LAMPLIGHTER_LOG(kError, "refused")
      .With("reason", "no such file")
      .With("said", "a \"b\" \\")
      .With("empty", "")
      .With("error", absl::NotFoundError("gone"));
  EXPECT_THAT(Written(), EndsWith("ERROR refused reason=\"no such file\" "
                                  "said=\"a \\\"b\\\" \\\\\" empty=\"\" "
                                  "error=\"NOT_FOUND: gone\"\n"));
}

TEST_F(LogTest, OutsidersCannotBeginALineOfTheirOwn) {
  LAMPLIGHTER_LOG(kWarning, "bad\nmessage")
      .With("path", "/x\n2026-01-01T00:00:00.000Z INFO forged\r\x1b[2J\x7f");
  EXPECT_THAT(Written(), EndsWith("WARNING bad\\nmessage path=\"/x\\n2026-01-01"
                                  "T00:00:00.000Z INFO forged\\u000d\\u001b[2J"
                                  "\\u007f\"\n"));
}

TEST_F(LogTest, WritesOneJsonObjectALine) {
  InitLog(LogFormat::kJson, LogLevel::kInfo);
  LAMPLIGHTER_LOG(kInfo, "took \"it\"")
      .With("path", "/a\n\tb")
      .With("bytes", 12)
      .With("ratio", 0.5)
      .With("broken", std::numeric_limits<double>::infinity())
      .With("ok", true)
      .With("after", absl::Milliseconds(1500));
  EXPECT_THAT(
      Written(),
      MatchesRegex(R"(\{"time":"[-0-9T:.]+Z","level":"info","message":)"
                   R"("took \\"it\\"","path":"/a\\n\\u0009b","bytes":12,)"
                   R"("ratio":0.5,"broken":null,"ok":true,"after":"1.5s"\})"
                   "\n"));
}

TEST_F(LogTest, ReplacesBytesThatAreNotUtf8) {
  InitLog(LogFormat::kJson, LogLevel::kInfo);
  // Valid, truncated, overlong, surrogate, beyond Unicode.
  LAMPLIGHTER_LOG(kInfo, "m").With("good", "ä€😀").With("bad", "\xC3");
  LAMPLIGHTER_LOG(kInfo, "m").With("a", "\xC0\x80").With("b", "\xED\xA0\x80");
  const std::string written = Written();
  EXPECT_THAT(written, HasSubstr(R"("good":"ä€😀","bad":"�"})"));
  EXPECT_THAT(written, HasSubstr(R"("a":"��","b":"���"})"));
}

TEST_F(LogTest, CutsLongValues) {
  LAMPLIGHTER_LOG(kInfo, "m").With("v", std::string(1 << 20, 'x'));
  EXPECT_THAT(Written(), EndsWith(" v=" + std::string(2048, 'x') + "\n"));
}

TEST_F(LogTest, BelowTheLevelNothingIsWrittenOrEvaluated) {
  int evaluated = 0;
  const auto value = [&evaluated] { return ++evaluated; };
  LAMPLIGHTER_LOG(kDebug, "detail").With("value", value());
  InitLog(LogFormat::kText, LogLevel::kDebug);
  EXPECT_EQ(evaluated, 0);
  LAMPLIGHTER_LOG(kDebug, "detail").With("value", value());
  EXPECT_THAT(Written(), EndsWith("DEBUG detail value=1\n"));
}

TEST_F(LogTest, AnElseAfterTheMacroBelongsToTheIfBeforeIt) {
  bool taken = false;
  if (false)
    LAMPLIGHTER_LOG(kInfo, "m");
  else
    taken = true;
  EXPECT_TRUE(taken);
  EXPECT_EQ(Written(), "");
}

TEST_F(LogTest, AFloodAtOnePlaceBecomesOneLine) {
  for (int i = 0; i < 1000; ++i) LAMPLIGHTER_LOG_EVERY_SECOND(kInfo, "flood");
  const std::vector<std::string> lines =
      absl::StrSplit(Written(), '\n', absl::SkipEmpty());
  EXPECT_LE(lines.size(), 5);  // one, unless this machine stood still meanwhile
  EXPECT_THAT(lines.front(), EndsWith("INFO flood suppressed=0"));
}

TEST(ThrottleTest, PassesOnceASecondAndCountsTheRest) {
  log_internal::Throttle throttle;
  EXPECT_TRUE(throttle.PassAt(absl::Seconds(7)));
  EXPECT_EQ(throttle.TakeSuppressed(), 0);
  EXPECT_FALSE(throttle.PassAt(absl::Seconds(7)));
  EXPECT_FALSE(throttle.PassAt(absl::Milliseconds(7999)));
  EXPECT_TRUE(throttle.PassAt(absl::Seconds(8)));
  EXPECT_EQ(throttle.TakeSuppressed(), 2);
  EXPECT_EQ(throttle.TakeSuppressed(), 0);
}

TEST(CheckDeathTest, SaysWhatCannotBeAndEndsTheProcess) {
  EXPECT_DEATH(LAMPLIGHTER_CHECK(1 > 2, "numbers are broken"),
               "check failed condition=\"1 > 2\" problem=\"numbers are "
               "broken\" at=.*log_test.cc:");
  LAMPLIGHTER_CHECK(2 > 1, "and this goes on");
}

}  // namespace
}  // namespace lamplighter
