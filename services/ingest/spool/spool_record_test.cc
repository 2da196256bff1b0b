#include "services/ingest/spool/spool_record.h"

#include <string>

#include "absl/status/status.h"
#include "common/kafka/record.h"
#include "common/status/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace lamplighter::ingest {
namespace {

Record Sample() {
  return {.topic = "topic",
          .key = "a/b",
          .value = std::string("\0\xff value", 8),
          .headers = {{"ce_id", "1"}, {"ce_id", ""}, {"", "nameless"}}};
}

TEST(SpoolRecord, ComesBackAsItWas) {
  const Record record = Sample();
  const auto read = DecodeRecord(EncodeRecord(record));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->topic, record.topic);
  EXPECT_EQ(read->key, record.key);
  EXPECT_EQ(read->value, record.value);
  ASSERT_EQ(read->headers.size(), record.headers.size());
  for (size_t i = 0; i < record.headers.size(); ++i) {
    EXPECT_EQ(read->headers[i].name, record.headers[i].name);
    EXPECT_EQ(read->headers[i].value, record.headers[i].value);
  }
}

TEST(SpoolRecord, ReadsWhatTheFirstVersionWrote) {
  const std::string bytes(
      "\1\0\0\0t\2\0\0\0kk\1\0\0\0\1\0\0\0h\0\0\0\0\1\0\0\0v", 29);
  EXPECT_EQ(EncodeRecord({"t", "kk", "v", {{"h", ""}}}), bytes);
}

TEST(SpoolRecord, IsNotReadWhenAnyOfItIsMissingOrTooMuch) {
  const std::string bytes = EncodeRecord(Sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(DecodeRecord(bytes.substr(0, size)),
                StatusIs(absl::StatusCode::kDataLoss))
        << size;
  }
  EXPECT_THAT(DecodeRecord(bytes + "x"), StatusIs(absl::StatusCode::kDataLoss));
}

TEST(SpoolRecord, IsNotReadWithALengthBeyondItsEnd) {
  for (size_t i = 0; i < 4; ++i) {
    std::string bytes = EncodeRecord({"t", "k", "v", {}});
    bytes[i] = '\xff';
    EXPECT_THAT(DecodeRecord(bytes), StatusIs(absl::StatusCode::kDataLoss));
  }
}

}  // namespace
}  // namespace lamplighter::ingest
