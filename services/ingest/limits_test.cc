// What a source may take, and what it is answered beyond that.

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/http/testing/test_client.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ingest/sources.h"
#include "services/ingest/testing/ingest_server_test.h"

namespace lamplighter::ingest {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// Each source may send one request in ten seconds.
class LimitsTest : public IngestServerTest {
 protected:
  void Change(Source& source) override {
    source.limits.requests_per_second = 0.1;
    source.limits.burst = 1;
    source.limits.max_body = 2000;
  }

  std::string Refused(const std::string& source, const std::string& limit,
                      int times) {
    return absl::StrCat("lamplighter_ingest_source_refused_total{limit=\"",
                        limit, "\",source=\"", source, "\"} ", times, "\n");
  }
};

struct Row {
  const char* name;
  const char* path;  // below /api/events-handler/v1/events/
  std::string headers;
  std::string body;
  const char* source;
  int status;  // beyond the limits
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

const Row kRows[] = {
    {"Flux", "flux/default", kJson, kFlux, "default", 503},
    {"GitHub", "github", GitHubHeaders(absl::StrCat("sha256=", Sign(kPush))),
     kPush, "hub", 429},
    {"GitLab", "gitlab", GitLabHeaders(kToken), kPush, "lab", 503},
    {"Bitbucket", "bitbucket", BitbucketHeaders("repo:push", Sign(kPush)),
     kPush, "bucket", 503},
    {"BitbucketServer", "bitbucketserver",
     BitbucketHeaders("repo:refs_changed", Sign(kPush)), kPush, "server", 503},
    {"AzureDevOps", "azure-devops", BasicHeaders(kToken), "{}", "azure", 503},
    {"Gitea", "gitea", GiteaHeaders(Sign(kPush)), kPush, "tea", 429},
    {"Forgejo", "forgejo",
     absl::StrCat("X-Forgejo-Event: push\r\nX-Forgejo-Signature: ", Sign(kPush),
                  "\r\n", GiteaHeaders(Sign(kPush))),
     kPush, "jo", 429},
};

class BeyondLimitsTest : public LimitsTest,
                         public ::testing::WithParamInterface<Row> {};

TEST_P(BeyondLimitsTest, IsAnsweredSoThatTheSenderDoesTheRightThing) {
  const Row& row = GetParam();
  const auto post = [&] {
    return Post(absl::StrCat(kEvents, row.path), row.body, row.headers);
  };
  EXPECT_EQ(post().status, 202);
  const TestResponse refused = post();
  EXPECT_EQ(refused.status, row.status) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr("sends too fast: send it again later"));
  // Flux would sleep through it inside its reconciliation.
  const auto retry_after = refused.headers.Find("Retry-After");
  if (row.status == 429) {
    EXPECT_EQ(retry_after, "10");
  } else {
    EXPECT_EQ(retry_after, absl::nullopt);
  }
  EXPECT_THAT(MetricsText(), HasSubstr(Refused(row.source, "rate", 1)));
  EXPECT_THAT(
      MetricsText(),
      HasSubstr(absl::StrCat(
          "lamplighter_ingest_rejected_total{provider=\"",
          row.name == std::string("Flux") ? "flux" : std::string(row.path),
          "\",reason=\"limit\"} 1\n")));
  EXPECT_THAT(Records(), SizeIs(1));
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(post().status, 202) << "its time has come";
}

INSTANTIATE_TEST_SUITE_P(OfEachSender, BeyondLimitsTest,
                         ::testing::ValuesIn(kRows),
                         [](const auto& row) { return row.param.name; });

TEST_F(LimitsTest, AreEachSourcesOwn) {
  EXPECT_EQ(Post("/", kFlux).status, 202);
  EXPECT_EQ(Post("/", kFlux).status, 503);
  EXPECT_EQ(
      Post(absl::StrCat(kEvents, "azure-devops"), "{}", BasicHeaders(kToken))
          .status,
      202);
}

TEST_F(LimitsTest, RefuseBeforeTheBodyIsRead) {
  EXPECT_EQ(Post("/", kFlux).status, 202);
  TestClient client(service_->port());
  ASSERT_TRUE(client.Send(
      absl::StrCat("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n",
                   kJson, "\r\n")));
  EXPECT_EQ(client.Read()->status, 503);
}

TEST_F(LimitsTest, RefuseALargerBodyBeforeItIsRead) {
  TestClient client(service_->port());
  ASSERT_TRUE(client.Send(
      absl::StrCat("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2001\r\n",
                   kJson, "\r\n")));
  const auto response = client.Read();
  ASSERT_TRUE(response.has_value());
  ExpectRefused(*response, 413, "flux", "size", "at most 2000 bytes");
  EXPECT_THAT(MetricsText(), HasSubstr(Refused("default", "size", 1)));
  EXPECT_EQ(Post("/", kFlux).status, 202) << "it took nothing from the rate";
}

TEST_F(LimitsTest, RefuseChunksThatComeToALargerBody) {
  TestClient client(service_->port());
  ASSERT_TRUE(
      client.Send(absl::StrCat("POST / HTTP/1.1\r\nHost: x\r\n", kJson,
                               "Transfer-Encoding: chunked\r\n\r\n7d1\r\n")));
  EXPECT_EQ(client.Read()->status, 413);
  EXPECT_THAT(MetricsText(), HasSubstr(Refused("default", "size", 1)));
}

TEST_F(LimitsTest, DoNotCountForSourcesThatDoNotExist) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(Post(absl::StrCat(kEvents, "flux/nobody"), kFlux).status, 404);
  }
  EXPECT_EQ(Post("/", kFlux).status, 202);
}

// Each source may have two requests under way, and not all of the memory.
class ConcurrencyTest : public LimitsTest {
 protected:
  void SetUp() override {
    options_.http.max_body_memory = 1000;
    LimitsTest::SetUp();
    loop_.Do([this] { producer_.Hold(); });
  }
  void TearDown() override {
    loop_.Do([this] { producer_.Release(); });
    LimitsTest::TearDown();
  }
  void Change(Source& source) override { source.limits.max_concurrent = 2; }

  // Sends a request that is not answered before its event is written.
  std::unique_ptr<TestClient> PostAndHold(absl::string_view body) {
    const size_t before = Held();
    auto client = std::make_unique<TestClient>(service_->port());
    EXPECT_TRUE(client->Post("/", body, kJson));
    const absl::Time deadline = Clock::System().Now() + absl::Seconds(10);
    while (Held() == before && Clock::System().Now() < deadline) {
    }
    EXPECT_EQ(Held(), before + 1);
    return client;
  }
  size_t Held() {
    return loop_.Do([this] { return producer_.held(); });
  }
  void ReleaseAndAwait(TestClient& client) {
    loop_.Do([this] { producer_.Release(); });
    EXPECT_EQ(client.Read()->status, 202);
  }
};

TEST_F(ConcurrencyTest, OfOneSourceLeavesThatOfAnotherAlone) {
  const auto first = PostAndHold(kFlux);
  const auto second = PostAndHold(kFlux);
  const TestResponse refused = Post("/", kFlux);
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("too much at once"));
  EXPECT_THAT(MetricsText(), HasSubstr(Refused("default", "concurrency", 1)));
  TestClient other(service_->port());
  ASSERT_TRUE(other.Post(absl::StrCat(kEvents, "azure-devops"), "{}",
                         BasicHeaders(kToken)));
  ReleaseAndAwait(*first);
  EXPECT_EQ(other.Read()->status, 202);
  EXPECT_EQ(second->Read()->status, 202);
}

TEST_F(ConcurrencyTest, IsGivenBackWithTheAnswer) {
  const auto first = PostAndHold(kFlux);
  const auto second = PostAndHold(kFlux);
  ReleaseAndAwait(*first);
  EXPECT_EQ(second->Read()->status, 202);
  // On the connections that had it, so that both answers are written by then.
  ASSERT_TRUE(first->Post("/", kFlux, kJson));
  EXPECT_EQ(first->Read()->status, 202);
}

TEST_F(ConcurrencyTest, OfOneSourceLeavesMemoryForAnother) {
  const std::string large = absl::StrCat(kFlux, std::string(250, ' '));
  const auto first = PostAndHold(large);
  EXPECT_EQ(Post("/", large).status, 503);
  EXPECT_THAT(MetricsText(), HasSubstr(Refused("default", "memory", 1)));
  TestClient other(service_->port());
  ASSERT_TRUE(other.Post(
      absl::StrCat(kEvents, "flux/signed"), large,
      absl::StrCat("X-Signature: sha256=", Sign(large), "\r\n", kJson)));
  ReleaseAndAwait(*first);
  EXPECT_EQ(other.Read()->status, 202);
}

}  // namespace
}  // namespace lamplighter::ingest
