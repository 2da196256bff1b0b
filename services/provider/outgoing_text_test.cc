#include "services/provider/outgoing_text.h"

#include <string>

#include "gtest/gtest.h"

namespace lamplighter::provider {
namespace {

TEST(OutgoingText, MakesOneLineWithoutControlCharacters) {
  EXPECT_EQ(CleanLine("\x1b[31mred\r\nnext\t "), "[31mred  next");
  EXPECT_EQ(CleanLine("a\xC2\x85"
                      "b\x7f"),
            "a b");
  EXPECT_EQ(CleanLine("grün £ ✓"), "grün £ ✓");
}

TEST(OutgoingText, CutsBetweenCharactersAndSaysSo) {
  EXPECT_EQ(CutCharacters("häuser", 6), "häuser");
  EXPECT_EQ(CutCharacters("häuser", 5), "häus…");
  EXPECT_EQ(CutCharacters("✓✓✓✓", 3), "✓✓…");
  EXPECT_EQ(CutCharacters("one two", 5), "one…");
  EXPECT_EQ(CountCharacters(CutCharacters(std::string(500, 'x'), 140)), 140);
}

TEST(OutgoingText, MasksTheSecretsItIsTold) {
  EXPECT_EQ(MaskSecrets("no s3cr3t-t0ken here", {"s3cr3t-t0ken"}),
            "no *** here");
  EXPECT_EQ(MaskSecrets("a cab", {"a", ""}), "a cab");
}

TEST(OutgoingText, MasksPasswordsInUrlsAndTokensThatItIsNotTold) {
  EXPECT_EQ(MaskSecrets("clone https://bob:hunter2@host/x: denied", {}),
            "clone https://bob:***@host/x: denied");
  EXPECT_EQ(MaskSecrets("ghp_0123456789abcdefghijABCDEFGHIJ012345 expired", {}),
            "*** expired");
  EXPECT_EQ(MaskSecrets("at 10:30 mail bob@host", {}),
            "at 10:30 mail bob@host");
}

}  // namespace
}  // namespace lamplighter::provider
