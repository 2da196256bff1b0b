#include "common/config/secret.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string FileWith(const std::string& content) {
  std::string path = ::testing::TempDir() + "secret";
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(ReadSecretTest, CutsOneLineBreakOff) {
  EXPECT_EQ(ReadSecret(FileWith("abc\n"), "").value(), "abc");
  EXPECT_EQ(ReadSecret(FileWith("abc\r\n"), "").value(), "abc");
  EXPECT_EQ(ReadSecret(FileWith("abc"), "").value(), "abc");
  EXPECT_EQ(ReadSecret(FileWith(" a\nb \n\n"), "").value(), " a\nb \n");
}

TEST(ReadSecretTest, KeepsBytesThatAreNoText) {
  const std::string bytes("\0\xff\x01", 3);
  EXPECT_EQ(ReadSecret(FileWith(bytes), "").value(), bytes);
}

TEST(ReadSecretTest, ReadsTheEnvironmentWhereNoFileIsNamed) {
  ASSERT_EQ(setenv("LAMPLIGHTER_TEST_SECRET", "from-env\n", 1), 0);
  EXPECT_EQ(ReadSecret("", "LAMPLIGHTER_TEST_SECRET").value(), "from-env");
}

TEST(ReadSecretTest, WantsExactlyOnePlace) {
  EXPECT_THAT(ReadSecret("", ""), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ReadSecret("f", "E"), StatusIs(StatusCode::kInvalidArgument));
}

TEST(ReadSecretTest, SaysWhichPlaceIsMissing) {
  EXPECT_THAT(ReadSecret("/no/such/file", ""),
              StatusIs(StatusCode::kNotFound, HasSubstr("/no/such/file")));
  EXPECT_THAT(
      ReadSecret("", "LAMPLIGHTER_NOT_SET"),
      StatusIs(StatusCode::kNotFound, HasSubstr("LAMPLIGHTER_NOT_SET")));
}

TEST(ReadSecretTest, RefusesAnEmptyOne) {
  EXPECT_THAT(ReadSecret(FileWith(""), ""),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is empty")));
  EXPECT_THAT(ReadSecret(FileWith("\n"), ""),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("is empty")));
}

TEST(ReadSecretTest, RefusesADirectory) {
  EXPECT_THAT(ReadSecret(::testing::TempDir(), ""),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(ReadSecretTest, RefusesMoreThan64KiBWithoutShowingIt) {
  EXPECT_THAT(ReadSecret(FileWith(std::string(64 << 10, 'x')), ""), IsOk());
  EXPECT_THAT(ReadSecret(FileWith(std::string((64 << 10) + 1, 'x')), ""),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("larger"), Not(HasSubstr("xxx")))));
}

}  // namespace
}  // namespace lamplighter
