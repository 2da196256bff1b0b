#include "services/ingest/json_parser.h"

#include <string>

#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::ingest {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(JsonParser, ParsesOneDocumentAfterAnother) {
  JsonParser parser;
  for (const char* json : {R"({"a": "1"})", R"({"a": "2", "b": [1]})"}) {
    const auto document = parser.Parse(json);
    ASSERT_THAT(document, IsOk());
    EXPECT_TRUE(document->is_object());
  }
}

TEST(JsonParser, SaysWhereTheTextIsWrongWithoutQuotingIt) {
  JsonParser parser;
  EXPECT_THAT(parser.Parse(R"({"secret": "x", oops})"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("near byte 16"), Not(HasSubstr("oops")),
                             Not(HasSubstr("secret")))));
  EXPECT_THAT(parser.Parse(""), StatusIs(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("it is empty")));
  EXPECT_THAT(parser.Parse(R"({"a": [1, 2)"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("it ends too early")));
  EXPECT_THAT(parser.Parse("{} {}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("byte")));
  EXPECT_THAT(parser.Parse("{\"a\": \"\xff\"}"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("byte")));
  EXPECT_THAT(parser.Parse(std::string(100'000, ' ') + "?"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("beyond byte 65536")));
}

TEST(JsonParser, EndsDeepNestingWithAnError) {
  JsonParser parser;
  EXPECT_THAT(parser.Parse(std::string(100'000, '[')),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(parser.Parse("{}"), IsOk());
}

TEST(JsonParser, ParsesSmallTextsAfterALargeOne) {
  JsonParser parser;
  EXPECT_THAT(parser.Parse("\"" + std::string(2 << 20, 'x') + "\""), IsOk());
  EXPECT_THAT(parser.Parse("{}"), IsOk());
}

TEST(JsonText, IsEmptyWhereThereIsNoSuchString) {
  JsonParser parser;
  const auto document = parser.Parse(R"({"a": "x\u0041", "b": 1, "c": {}})");
  ASSERT_THAT(document, IsOk());
  simdjson::dom::object object;
  ASSERT_EQ(document->get(object), simdjson::SUCCESS);
  EXPECT_EQ(JsonText(object, "a"), "xA");
  EXPECT_EQ(JsonText(object, "b"), "");
  EXPECT_EQ(JsonText(object, "z"), "");
  EXPECT_TRUE(JsonObject(object, "c").has_value());
  EXPECT_FALSE(JsonObject(object, "a").has_value());
  EXPECT_FALSE(JsonObject(object, "z").has_value());
}

}  // namespace
}  // namespace lamplighter::ingest
