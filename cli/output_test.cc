#include "cli/output.h"

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::cli {
namespace {

TEST(OutputTest, WritesTheSameAsJsonAndYaml) {
  v1::DeadLetter letter;
  letter.set_reason(v1::DeadLetter::REJECTED);
  letter.set_detail("422: \"no\"\nline: 2");
  letter.mutable_intent()->set_repository_id("github.com/acme/fleet");
  letter.mutable_intent()->mutable_roll_up();
  letter.add_original_headers()->set_name("ce_id");
  letter.set_original_offset(42);
  EXPECT_EQ(ToJsonLine(letter),
            "{\"reason\":\"REJECTED\",\"detail\":\"422: \\\"no\\\"\\nline: 2\","
            "\"intent\":{\"repository_id\":\"github.com/acme/fleet\","
            "\"roll_up\":{}},\"original_offset\":\"42\",\"original_headers\":"
            "[{\"name\":\"ce_id\"}]}\n");
  EXPECT_EQ(ToYaml(letter),
            "reason: \"REJECTED\"\n"
            "detail: \"422: \\\"no\\\"\\nline: 2\"\n"
            "intent:\n"
            "  repository_id: \"github.com/acme/fleet\"\n"
            "  roll_up: {}\n"
            "original_offset: \"42\"\n"
            "original_headers:\n"
            "  -\n"
            "    name: \"ce_id\"\n");
}

TEST(OutputTest, AlignsATableAndLetsNothingThroughToTheTerminal) {
  Table table({"ID", "WHY"});
  table.Add({"3/1042", "first\x1b[31mred"});
  table.Add({"4/1", ""});
  std::ostringstream out;
  table.Write({}, out);
  EXPECT_EQ(out.str(),
            "ID      WHY\n"
            "3/1042  first [31mred\n"
            "4/1\n");
  std::ostringstream bare;
  table.Write({.no_headers = true}, bare);
  EXPECT_EQ(bare.str(),
            "3/1042  first [31mred\n"
            "4/1\n");
}

TEST(OutputTest, CutsWhatIsLong) {
  EXPECT_EQ(Cut("abc", 3), "abc");
  EXPECT_EQ(Cut("abcd", 3), "abc...");
}

}  // namespace
}  // namespace lamplighter::cli
