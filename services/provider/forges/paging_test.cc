#include "services/provider/forges/paging.h"

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "common/http/http_message.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::provider {
namespace {

using ::testing::HasSubstr;

TEST(PagingTest, ATokenIsAPagesNumber) {
  EXPECT_EQ(PageNumber("").value(), 1);
  EXPECT_EQ(PageNumber("2").value(), 2);
  EXPECT_EQ(PageNumber("1000000").value(), 1'000'000);
}

TEST(PagingTest, AnythingElseIsNoToken) {
  for (const char* token : {"0", "-1", "+1", " 1", "1 ", "1.5", "x", "1&x=2",
                            "1000001", "99999999999999999999"}) {
    EXPECT_THAT(PageNumber(token), StatusIs(absl::StatusCode::kInvalidArgument,
                                            HasSubstr("page_token: ")))
        << token;
  }
}

TEST(PagingTest, TheLinkHeaderTellsWhetherThereIsANextPage) {
  HttpHeaders headers;
  EXPECT_FALSE(HasNextPage(headers));
  headers.Add("Link", "<https://x?page=1>; rel=\"prev\"");
  EXPECT_FALSE(HasNextPage(headers));
  HttpHeaders more;
  more.Add("link",
           "<https://x?page=1>; rel=\"prev\", <https://x?page=3>; "
           "rel=\"next\"");
  EXPECT_TRUE(HasNextPage(more));
  EXPECT_EQ(NextPageQuery(headers), absl::nullopt);
  EXPECT_EQ(NextPageQuery(more), absl::string_view("page=3"));
}

}  // namespace
}  // namespace lamplighter::provider
