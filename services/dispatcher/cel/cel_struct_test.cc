#include "services/dispatcher/cel/cel_struct.h"

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "services/dispatcher/cel/testing/show.h"

namespace lamplighter::dispatcher {
namespace {

TEST(CelValueFromStructTest, KeepsEveryKindOfJson) {
  google::protobuf::Struct object;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(
                  R"({"s": "x", "n": 3, "t": true, "z": null,
                      "l": [1, [2]], "o": {"k": "v"}, "e": {}})",
                  &object)
                  .ok());
  EXPECT_EQ(Show(CelValueFromStruct(object)),
            "{\"e\": {}, \"l\": [1.0, [2.0]], \"n\": 3.0, \"o\": {\"k\": "
            "\"v\"}, \"s\": \"x\", \"t\": true, \"z\": null}");
}

}  // namespace
}  // namespace lamplighter::dispatcher
