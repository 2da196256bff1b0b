#include "common/forge/git_address.h"

#include <string>

#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Parsed(absl::string_view address) {
  const auto parsed = ParseGitAddress(address);
  if (!parsed.ok()) return std::string(parsed.status().message());
  return parsed->scheme + "|" + parsed->host + "|" + parsed->path;
}

TEST(ParseGitAddress, ReadsEveryFormThatFluxReads) {
  EXPECT_EQ(Parsed("https://github.com/my-org/my-repo.git"),
            "https|github.com|my-org/my-repo");
  EXPECT_EQ(Parsed("http://github.com/o/r"), "http|github.com|o/r");
  EXPECT_EQ(Parsed("ssh://git@github.com/my-org/my-repo.git"),
            "https|github.com|my-org/my-repo");
  EXPECT_EQ(Parsed("git@gitlab.com:group/sub/proj.git"),
            "https|gitlab.com|group/sub/proj");
  EXPECT_EQ(Parsed("user@host.com:7999/x/y.git"), "https|host.com|7999/x/y");
  EXPECT_EQ(Parsed("git+ssh://git@github.com/o/r"), "https|github.com|o/r");
  EXPECT_EQ(Parsed("git://github.com/o/r"), "https|github.com|o/r");
  EXPECT_EQ(Parsed("https://github.com//o/r"), "https|github.com|o/r");
  EXPECT_EQ(Parsed("https://github.com/o/r?x=1#f"), "https|github.com|o/r");
  EXPECT_EQ(Parsed("https://github.com/o/r.git.git"),
            "https|github.com|o/r.git");
  EXPECT_EQ(Parsed("https://dev.azure.com/org/my%20proj/_git/repo"),
            "https|dev.azure.com|org/my proj/_git/repo");
}

TEST(ParseGitAddress, KeepsThePortOfHttpOnly) {
  EXPECT_EQ(Parsed("https://ghe.example.com:8443/o/r"),
            "https|ghe.example.com:8443|o/r");
  EXPECT_EQ(Parsed("https://ghe.example.com:443/o/r"),
            "https|ghe.example.com|o/r");
  EXPECT_EQ(Parsed("http://[::1]:80/o/r"), "http|[::1]|o/r");
  EXPECT_EQ(Parsed("http://[::1]/o/r"), "http|[::1]|o/r");
  EXPECT_EQ(Parsed("ssh://git@ghe.example.com:2222/o/r"),
            "https|ghe.example.com|o/r");
}

TEST(ParseGitAddress, LeavesOutCredentialsAndTrailingSlashes) {
  EXPECT_EQ(Parsed("https://user:pass@GitHub.com/Org/Repo/"),
            "https|github.com|Org/Repo");
  EXPECT_EQ(Parsed("ssh://git@ssh.github.com:443/o/r.git"),
            "https|github.com|o/r");
  EXPECT_EQ(Parsed("ssh://git@altssh.gitlab.com:443/g/s/r.git"),
            "https|gitlab.com|g/s/r");
  EXPECT_EQ(Parsed("ssh://git@altssh.bitbucket.org:443/w/r.git"),
            "https|bitbucket.org|w/r");
}

TEST(ParseGitAddress, RefusesWhatIsNoGitUrl) {
  for (const char* address :
       {"", "o/r", "github.com/o/r", "file:///o/r", "ftp://host/o/r",
        "https://", "https:///o/r", "https://host", "https://host/",
        "https://host/.git", "https://ho st/o/r", "https://host:8x/o/r",
        "https://host/o/%zz", "https://host/o/%4",
        "git@host:", "https://:443/o/r", "./a:b/c"}) {
    EXPECT_THAT(ParseGitAddress(address),
                StatusIs(StatusCode::kInvalidArgument))
        << address;
  }
}

TEST(ParseGitAddress, RefusesPathsThatMeanAnotherOneToWhoeverNormalizesThem) {
  for (const char* address :
       {"https://host/o/../r", "https://host/o/.", "https://host/o/%2e%2e",
        "https://host/o%2Fx/r", "https://host/o//r", "https://host/o/r%0a",
        "git@host:../r"}) {
    EXPECT_THAT(ParseGitAddress(address),
                StatusIs(StatusCode::kInvalidArgument))
        << address;
  }
}

TEST(ParseGitAddress, RefusesPathsThatAreNotUtf8) {
  EXPECT_EQ(Parsed("https://host/o/r%C3%A9sum%c3%a9"),
            "https|host|o/r\xC3\xA9sum\xC3\xA9");
  for (const char* address :
       {"https://host/o/r%E9sum%E9", "https://host/o/%C3", "https://host/o/%ff",
        "https://host/o/%C0%AF", "https://host/o/%ED%A0%80",
        "https://host/o/\xE9", "git@host:o/\xE9"}) {
    EXPECT_THAT(ParseGitAddress(address),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr("UTF-8")))
        << address;
  }
}

TEST(ParseGitAddress, NeverShowsThePasswordInAnError) {
  EXPECT_THAT(Parsed("https://user:hunter2@/o/r"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(Parsed("https://user:hunter2@host/.."),
              Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace lamplighter
