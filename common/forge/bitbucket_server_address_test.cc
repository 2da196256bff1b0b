#include "common/forge/bitbucket_server_address.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;

std::string Parsed(absl::string_view address) {
  const auto parsed = ParseBitbucketServerAddress(address);
  if (!parsed.ok()) return std::string(parsed.status().message());
  return absl::StrCat(parsed->base, "|", parsed->project, "|",
                      parsed->repository);
}

TEST(ParseBitbucketServerAddress, ReadsCloneUrls) {
  EXPECT_EQ(Parsed("https://example.com/scm/PROJ/repo.git"),
            "https://example.com|PROJ|repo");
  EXPECT_EQ(Parsed("http://u:p@example.com:7990/scm/foo/bar"),
            "http://example.com:7990|foo|bar");
  EXPECT_EQ(Parsed("https://example.com/scm/~user/repo.git"),
            "https://example.com|~user|repo");
  EXPECT_EQ(Parsed("https://example.com/scm/%7Euser/repo.git"),
            "https://example.com|~user|repo");
}

TEST(ParseBitbucketServerAddress, TakesWhatIsBeforeScmForTheContextPath) {
  EXPECT_EQ(Parsed("https://example.com/a/b/scm/foo/bar.git"),
            "https://example.com/a/b|foo|bar");
  EXPECT_EQ(Parsed("https://example.com/scm/a/scm/projectfoo/repobar.git"),
            "https://example.com/scm/a|projectfoo|repobar");
  EXPECT_EQ(Parsed("https://example.com/my%20git/scm/foo/bar.git"),
            "https://example.com/my%20git|foo|bar");
}

TEST(ParseBitbucketServerAddress, KnowsProjectsAndRepositoriesNamedScm) {
  EXPECT_EQ(Parsed("https://example.com/scm/scm/bar"),
            "https://example.com|scm|bar");
  EXPECT_EQ(Parsed("https://example.com/scm/foo/scm.git"),
            "https://example.com|foo|scm");
  EXPECT_EQ(Parsed("https://example.com/projects/scm/repos/bar"),
            "https://example.com|scm|bar");
  EXPECT_EQ(Parsed("ssh://git@example.com:7999/scm/bar.git"),
            "https://example.com|scm|bar");
}

TEST(ParseBitbucketServerAddress, ReadsSshUrlsWithoutTheirPort) {
  EXPECT_EQ(Parsed("ssh://git@example.com:7999/PROJ/repo.git"),
            "https://example.com|PROJ|repo");
  EXPECT_EQ(Parsed("ssh://git@example.com:7999/~user/repo.git"),
            "https://example.com|~user|repo");
  EXPECT_EQ(Parsed("git@example.com:PROJ/repo.git"),
            "https://example.com|PROJ|repo");
}

TEST(ParseBitbucketServerAddress, ReadsWhatTheBrowserShows) {
  EXPECT_EQ(Parsed("https://example.com/projects/PROJ/repos/repo"),
            "https://example.com|PROJ|repo");
  EXPECT_EQ(Parsed("https://example.com/ctx/projects/P/repos/r/browse?at=x"),
            "https://example.com/ctx|P|r");
  EXPECT_EQ(Parsed("https://example.com/projects/P/repos/browse"),
            "https://example.com|P|browse");
  EXPECT_EQ(Parsed("https://example.com:7990/users/jane/repos/r"),
            "https://example.com:7990|~jane|r");
}

TEST(ParseBitbucketServerAddress, RefusesEverythingElse) {
  for (const char* address :
       {"", "PROJ/repo", "https://example.com/PROJ/repo",
        "https://example.com/repo", "https://example.com/scm/foo",
        "https://example.com/scm/foo/bar/baz.git",
        "https://example.com/ctx/SCM/foo/bar", "https://example.com/scm//bar",
        "ssh://git@example.com:7999/repo.git",
        "ssh://git@example.com:7999/a/b/repo.git",
        "https://example.com/projects/P/repos",
        "https://example.com/projects/P/repos/r/commits"}) {
    EXPECT_THAT(ParseBitbucketServerAddress(address),
                StatusIs(StatusCode::kInvalidArgument))
        << address;
  }
}

}  // namespace
}  // namespace lamplighter
