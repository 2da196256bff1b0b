#include "services/dispatcher/cel/cel_value.h"

#include <limits>

#include "absl/status/status.h"
#include "common/status/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::absl::StatusCode;

CelValue Map(CelValue::Map entries) {
  return CelValue::MakeMap(std::move(entries)).value();
}

TEST(CelValueTest, FindsKeysOfEveryKind) {
  const CelValue map = Map({{CelValue::String("b"), CelValue::Int(1)},
                            {CelValue::Int(-1), CelValue::Int(2)},
                            {CelValue::Bool(true), CelValue::Int(3)},
                            {CelValue::Uint(7), CelValue::Int(4)},
                            {CelValue::String("a"), CelValue::Int(5)}});
  EXPECT_EQ(map.Find("a")->int_value(), 5);
  EXPECT_EQ(map.Find("b")->int_value(), 1);
  EXPECT_EQ(map.Find("c"), nullptr);
  EXPECT_EQ(map.Find(""), nullptr);
  EXPECT_EQ(map.Find(CelValue::Bool(true))->int_value(), 3);
  EXPECT_EQ(map.Find(CelValue::Bool(false)), nullptr);
  EXPECT_EQ(map.Find(CelValue::Double(-1))->int_value(), 2);
  EXPECT_EQ(map.Find(CelValue::Int(7))->int_value(), 4);
  EXPECT_EQ(map.Find(CelValue::Double(7.5)), nullptr);
  EXPECT_EQ(map.Find(CelValue()), nullptr);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(map.Find(CelValue::Double(nan)), nullptr);
}

TEST(CelValueTest, RefusesKeysThatAreThereTwiceOrAreNone) {
  EXPECT_THAT(CelValue::MakeMap({{CelValue::Int(1), CelValue()},
                                 {CelValue::Uint(1), CelValue()}}),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(CelValue::MakeMap({{CelValue::Double(1), CelValue()}}),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(CelValue::MakeMap({{CelValue(), CelValue()}}),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(CelValueTest, ComparesNumbersAcrossKinds) {
  const auto compare = [](const CelValue& a, const CelValue& b) {
    return CompareNumbers(a, b).value();
  };
  const int64_t least = std::numeric_limits<int64_t>::min();
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  EXPECT_LT(compare(CelValue::Int(-1), CelValue::Uint(0)), 0);
  EXPECT_GT(compare(CelValue::Uint(most), CelValue::Int(1)), 0);
  EXPECT_EQ(compare(CelValue::Uint(1), CelValue::Int(1)), 0);
  EXPECT_LT(compare(CelValue::Int(1), CelValue::Double(1.5)), 0);
  EXPECT_GT(compare(CelValue::Double(1e300), CelValue::Uint(most)), 0);
  EXPECT_LT(compare(CelValue::Double(-1e300), CelValue::Int(least)), 0);
  EXPECT_LT(compare(CelValue::Double(-0.5), CelValue::Uint(0)), 0);
  EXPECT_FALSE(
      CompareNumbers(CelValue::Int(1),
                     CelValue::Double(std::numeric_limits<double>::quiet_NaN()))
          .has_value());
}

}  // namespace
}  // namespace lamplighter::dispatcher
