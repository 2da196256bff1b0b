#include "common/url/percent_encode.h"

#include "gtest/gtest.h"

namespace lamplighter {
namespace {

TEST(PercentEncodeTest, LeavesWhatIsUnreserved) {
  EXPECT_EQ(PercentEncode("AZaz09-._~"), "AZaz09-._~");
}

TEST(PercentEncodeTest, EncodesAllElseByItsBytes) {
  EXPECT_EQ(PercentEncode("a/b c?d=%&+"), "a%2Fb%20c%3Fd%3D%25%26%2B");
  EXPECT_EQ(PercentEncode("\xC3\xBC"), "%C3%BC");
  EXPECT_EQ(PercentEncode(""), "");
}

}  // namespace
}  // namespace lamplighter
