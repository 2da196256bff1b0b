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

TEST(JsonReaders, ReadWhatLiesDeeper) {
  JsonParser parser;
  simdjson::dom::object object;
  ASSERT_EQ(parser
                .Parse(R"({"a": {"b": {"text": "t", "number": 7, "flag": true,
                     "list": [1, 2], "object": {}}}})")
                ->get(object),
            simdjson::SUCCESS);
  EXPECT_EQ(JsonText(object, "a/b/text"), "t");
  EXPECT_EQ(JsonInteger(object, "a/b/number"), 7);
  EXPECT_TRUE(JsonFlag(object, "a/b/flag"));
  EXPECT_THAT(JsonArray(object, "a/b/list"), ::testing::SizeIs(2));
  EXPECT_TRUE(JsonObject(object, "a/b/object").has_value());
  EXPECT_EQ(JsonId(object, "a/b/number"), "7");
  EXPECT_EQ(JsonId(object, "a/b/text"), "t");
}

TEST(JsonReaders, FindNothingWhereItIsNotOrIsOfAnotherType) {
  JsonParser parser;
  simdjson::dom::object object;
  ASSERT_EQ(parser.Parse(R"({"a": {"b": null}, "": 1, "t": "x"})")->get(object),
            simdjson::SUCCESS);
  for (const char* path : {"a/b", "a/b/c", "a/c", "c", "", "/", "a/", "//"}) {
    EXPECT_EQ(JsonText(object, path), "") << path;
    EXPECT_FALSE(JsonFlag(object, path)) << path;
    EXPECT_THAT(JsonArray(object, path), ::testing::IsEmpty()) << path;
    EXPECT_FALSE(JsonObject(object, path).has_value()) << path;
  }
  EXPECT_EQ(JsonInteger(object, "t"), absl::nullopt);
  EXPECT_EQ(JsonId(object, "a"), "");
}

}  // namespace
}  // namespace lamplighter::ingest
