#include "common/http/route_table.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/http_server.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

boost::asio::awaitable<HttpResponse> Nothing(HttpRequest /*request*/) {
  co_return HttpResponse{};
}

absl::StatusOr<RouteTable> Table(
    std::vector<std::pair<std::string, std::string>> routes) {
  std::vector<HttpRoute> list;
  for (auto& [method, path] : routes) list.push_back({method, path, &Nothing});
  return RouteTable::Create(std::move(list));
}

TEST(RouteTableTest, FindsPathsAndWhatTheirElementsMatch) {
  const auto table =
      Table({{"GET", "/a"}, {"POST", "/a/{b}/c/{d}"}, {"GET", "/{x}"}});
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(table->Find("GET", "/a").route->path, "/a");
  EXPECT_EQ(table->Find("GET", "/z").route->path, "/{x}");
  const auto match = table->Find("POST", "/a/1%2F2/c/3");
  ASSERT_NE(match.route, nullptr);
  EXPECT_THAT(match.path_params, ElementsAre("1%2F2", "3"));
}

TEST(RouteTableTest, MatchesNeitherEmptyNorFurtherElements) {
  const auto table = Table({{"GET", "/a/{b}"}});
  ASSERT_THAT(table, IsOk());
  for (const char* path :
       {"", "*", "/", "/a", "/a/", "/a//", "/a/b/", "/a/b/c", "/b/b", "a/b"}) {
    const auto match = table->Find("GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_THAT(match.allow, IsEmpty()) << path;
  }
}

TEST(RouteTableTest, SaysWhatIsAllowedWhereTheMethodIsWrong) {
  const auto table = Table({{"GET", "/a"}, {"PUT", "/a"}, {"POST", "/{x}"}});
  ASSERT_THAT(table, IsOk());
  EXPECT_EQ(table->Find("DELETE", "/a").allow, "GET, HEAD, PUT, POST");
  EXPECT_EQ(table->Find("POST", "/a").route->path, "/{x}");
}

TEST(RouteTableTest, AnswersHeadWithGet) {
  const auto table = Table({{"GET", "/a"}, {"POST", "/b"}});
  ASSERT_THAT(table, IsOk());
  EXPECT_NE(table->Find("HEAD", "/a").route, nullptr);
  EXPECT_EQ(table->Find("HEAD", "/b").route, nullptr);
}

TEST(RouteTableTest, RefusesRoutesThatContradictEachOther) {
  EXPECT_THAT(
      Table({{"GET", "/a"}, {"GET", "/a"}}),
      StatusIs(absl::StatusCode::kInvalidArgument, "two routes for GET /a"));
  EXPECT_THAT(Table({{"GET", "/{a}/x"}, {"GET", "/{b}/x"}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Table({{"GET", "a"}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(RouteTable::Create({{"GET", "/a", nullptr}}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace lamplighter
