#include "common/http/http_server.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

TEST(ProblemTest, EscapesItsDetail) {
  EXPECT_EQ(Problem(413, "a \"quoted\\\" \n\x01 detail").body,
            "{\"type\":\"about:blank\",\"title\":\"Payload Too Large\","
            "\"status\":413,\"detail\":\"a \\\"quoted\\\\\\\" \\u000a\\u0001 "
            "detail\"}\n");
}

}  // namespace
}  // namespace lamplighter
