#include "services/ingest/event_id.h"

#include "gtest/gtest.h"

namespace lamplighter::ingest {
namespace {

TEST(ContentId, IsHalfASha256InHex) {
  // printf '1:a2:bc' | sha256sum
  EXPECT_EQ(ContentId({"a", "bc"}), "5310a58788781ab25d5ad7c3f8503582");
}

TEST(ContentId, DependsOnWhereThePartsBeginAndEnd) {
  EXPECT_NE(ContentId({"ab", "c"}), ContentId({"a", "bc"}));
  EXPECT_NE(ContentId({"a", ""}), ContentId({"a"}));
  EXPECT_NE(ContentId({"a", "b"}), ContentId({"b", "a"}));
}

}  // namespace
}  // namespace lamplighter::ingest
