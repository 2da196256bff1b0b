#include "services/dispatcher/router/revision.h"

#include <map>
#include <string>

#include "absl/status/status.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

constexpr char kSha[] = "5394cb7f48332b2de7c17dd8b8384bbc84b7e738";
constexpr char kSha256[] =
    "6f132a51cacdd080a2efc97cdc20b1807c025b6464c58a530f3803373d5f12cf";

TEST(ParseRevisionTest, FindsTheCommitInEveryFormThatFluxWrites) {
  for (const std::string& revision :
       {std::string("main@sha1:"), std::string("feature/branch@sha1:"),
        std::string("refs/tags/v1.0.0@sha1:"), std::string("feat:x@sha1:"),
        std::string("sha1:"), std::string("main/"), std::string("HEAD/"),
        std::string("x/y/z/"), std::string("")}) {
    EXPECT_EQ(ParseRevision(revision + kSha).value(), kSha) << revision;
  }
}

TEST(ParseRevisionTest, FindsObjectIdsOfSha256Repositories) {
  EXPECT_EQ(ParseRevision(std::string("main@sha256:") + kSha256).value(),
            kSha256);
}

TEST(ParseRevisionTest, WritesIdsInLowerCase) {
  EXPECT_EQ(ParseRevision("main@sha1:5394CB7F48332B2DE7C17DD8B8384BBC84B7E738")
                .value(),
            kSha);
}

TEST(ParseRevisionTest, RefusesWhatIsNoObjectId) {
  for (const char* revision :
       {"", "1.0.0", "6.6.1+0cc9a8446c95", "main@sha1:5394cb7",
        "main@sha1:", "main@sha1:5394cb7f48332b2de7c17dd8b8384bbc84b7e738 ",
        "main@5394cb7f48332b2de7c17dd8b8384bbc84b7e738",
        "branch-with-exactly-forty-chars-aaaaaaaa", "<none>"}) {
    EXPECT_THAT(ParseRevision(revision),
                StatusIs(StatusCode::kNotFound, HasSubstr(revision)));
  }
}

TEST(CommitOfTest, LooksAtCommitThenOriginRevisionThenRevision) {
  const std::string first(40, 'a');
  const std::string second(40, 'b');
  const std::string third(40, 'c');
  std::map<std::string, std::string> metadata = {
      {"commit", first}, {"originRevision", second}, {"revision", third}};
  EXPECT_EQ(CommitOf(metadata).value(), first);
  metadata.erase("commit");
  EXPECT_EQ(CommitOf(metadata).value(), second);
  metadata.erase("originRevision");
  EXPECT_EQ(CommitOf(metadata).value(), third);
  metadata.erase("revision");
  EXPECT_THAT(CommitOf(metadata), StatusIs(StatusCode::kNotFound));
}

TEST(CommitOfTest, TakesAnEmptyOneForItsWord) {
  EXPECT_THAT(CommitOf({{"commit", ""}, {"revision", kSha}}),
              StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace lamplighter::dispatcher
