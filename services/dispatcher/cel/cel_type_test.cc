#include "services/dispatcher/cel/cel_type.h"

#include <string>

#include "absl/status/status.h"
#include "common/status/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::absl::StatusCode;

TEST(CelTypeTest, ReadsWhatItWrites) {
  for (const char* const text :
       {"dyn", "null", "bool", "timestamp", "list(int)", "map(string, dyn)",
        "optional_type(list(A))", "type(map(A, B))"}) {
    EXPECT_EQ(CelType::Parse(text).value().ToString(), text);
  }
  EXPECT_EQ(CelType::JsonObject().ToString(), "map(string, dyn)");
}

TEST(CelTypeTest, RefusesWhatIsNoType) {
  for (const char* const text :
       {"", "foo", "list", "list(", "list(int", "map(int)", "int x", "int("}) {
    EXPECT_THAT(CelType::Parse(text), StatusIs(StatusCode::kInvalidArgument))
        << text;
  }
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "list(";
  EXPECT_THAT(CelType::Parse(deep), StatusIs(StatusCode::kInvalidArgument));
}

TEST(CelTypeTest, BecomesUnknownRatherThanHuge) {
  CelType type(CelType::Kind::kInt);
  for (int i = 0; i < 100; ++i) {
    type = CelType::Map(type, type);
    ASSERT_LT(type.ToString().size(), 2000U);
  }
}

}  // namespace
}  // namespace lamplighter::dispatcher
