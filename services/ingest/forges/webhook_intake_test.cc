#include "services/ingest/forges/webhook_intake.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/kafka/record.h"
#include "common/kafka/topic_names.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/testing/ingest_server_test.h"

namespace lamplighter::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

using WebhookIntakeTest = IngestServerTest;

TEST_F(WebhookIntakeTest, RefusesASourceOfAnotherType) {
  ExpectRefused(Post(absl::StrCat(kEvents, "github/tea"), kPush,
                     GitHubHeaders(absl::StrCat("sha256=", Sign(kPush)))),
                404, "github", "unknown_source", "no source of type github");
}

TEST_F(WebhookIntakeTest, RefusesWebhooksThatAreNeitherJsonNorAForm) {
  ExpectRefused(Post(absl::StrCat(kEvents, "github"), kPush,
                     GitHubHeaders("", "Content-Type: text/plain\r\n")),
                415, "github", "content_type", "application/json");
}

TEST_F(WebhookIntakeTest, TakesGitHubDeliveries) {
  EXPECT_EQ(Post(absl::StrCat(kEvents, "github/hub"), kPush,
                 GitHubHeaders(absl::StrCat("sha256=", Sign(kPush))))
                .status,
            202);
  const auto records = Records();
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].topic, kGitEventsTopic);
  EXPECT_EQ(records[0].key, "forge.example/lamp/lighter");
  EXPECT_EQ(FindHeader(records[0], "ce_id"), "github/hub/d-1");
  EXPECT_EQ(FindHeader(records[0], "ce_type"), "dev.lamplighter.git.push.v1");
  v1::GitEvent event;
  ASSERT_TRUE(event.ParseFromString(records[0].value));
  EXPECT_EQ(event.source(), "hub");
  EXPECT_EQ(event.provider_type(), "github");
  EXPECT_EQ(event.event(), "push");
  EXPECT_EQ(event.delivery_id(), "d-1");
  EXPECT_EQ(event.type(), v1::GitEvent::PUSH);
  EXPECT_EQ(event.raw().data(), kPush);
  EXPECT_THAT(MetricsText(),
              HasSubstr("lamplighter_ingest_git_events_total{provider="
                        "\"github\",type=\"push\"} 1\n"));
}

TEST_F(WebhookIntakeTest, TakesGiteaDeliveriesWithAllTheirHeaders) {
  EXPECT_EQ(
      Post(absl::StrCat(kEvents, "gitea"), kPush, GiteaHeaders(Sign(kPush)))
          .status,
      202);
  EXPECT_EQ(FindHeader(Records().at(0), "ce_id"), "gitea/tea/d-2");
}

TEST_F(WebhookIntakeTest, ChecksGitHubsSignatureOverTheForm) {
  const std::string path = absl::StrCat(kEvents, "github");
  EXPECT_EQ(Post(path, kPushForm,
                 GitHubHeaders(absl::StrCat("sha256=", Sign(kPushForm)), kForm))
                .status,
            202);
  EXPECT_EQ(Post(path, kPushForm,
                 GitHubHeaders(absl::StrCat("sha256=", Sign(kPush)), kForm))
                .status,
            401);
  const auto records = Records();
  ASSERT_THAT(records, SizeIs(1));
  EXPECT_EQ(records[0].key, "forge.example/lamp/lighter");
}

TEST_F(WebhookIntakeTest, ChecksGiteasSignatureOverTheJsonInTheForm) {
  const std::string path = absl::StrCat(kEvents, "gitea");
  EXPECT_EQ(Post(path, kPushForm, GiteaHeaders(Sign(kPush), kForm)).status,
            202);
  EXPECT_EQ(Post(path, kPushForm, GiteaHeaders(Sign(kPushForm), kForm)).status,
            401);
  EXPECT_THAT(Records(), SizeIs(1));
}

TEST_F(WebhookIntakeTest, RefusesAFormWithoutAPayload) {
  ExpectRefused(
      Post(absl::StrCat(kEvents, "github"), "a=b",
           GitHubHeaders(absl::StrCat("sha256=", Sign("a=b")), kForm)),
      400, "github", "malformed", "payload");
}

TEST_F(WebhookIntakeTest, NeverTakesAnEmptySignature) {
  ExpectRefused(Post(absl::StrCat(kEvents, "gitea"), kPush, GiteaHeaders("")),
                401, "gitea", "no_signature", "X-Gitea-Signature is missing");
}

TEST_F(WebhookIntakeTest, RefusesAWebhookThatAnotherSecretSigned) {
  ExpectRefused(
      Post(absl::StrCat(kEvents, "github"), kPush,
           GitHubHeaders(absl::StrCat("sha256=", Sign(kPush, "other")))),
      401, "github", "signature", "X-Hub-Signature-256 is wrong");
}

TEST_F(WebhookIntakeTest, RefusesGiteaDeliveriesAtGitHubsPath) {
  ExpectRefused(
      Post(absl::StrCat(kEvents, "github"), kPush, GiteaHeaders(Sign(kPush))),
      400, "github", "wrong_forge", "X-Gitea-Event");
}

TEST_F(WebhookIntakeTest, RefusesGitHubDeliveriesAtGiteasPath) {
  ExpectRefused(Post(absl::StrCat(kEvents, "gitea"), kPush,
                     GitHubHeaders(absl::StrCat("sha256=", Sign(kPush)))),
                400, "gitea", "wrong_forge", "X-Gitea-Event is missing");
}

TEST_F(WebhookIntakeTest, RefusesASignedBodyThatIsNotJson) {
  ExpectRefused(Post(absl::StrCat(kEvents, "github"), "{",
                     GitHubHeaders(absl::StrCat("sha256=", Sign("{")))),
                400, "github", "malformed", "it ends too early");
}

TEST_F(WebhookIntakeTest, TakesSignedJsonOfAnyShape) {
  for (const char* body : {"[]", "1", "{}"}) {
    EXPECT_EQ(Post(absl::StrCat(kEvents, "github"), body,
                   GitHubHeaders(absl::StrCat("sha256=", Sign(body))))
                  .status,
              202)
        << body;
  }
  EXPECT_EQ(FindHeader(Records().at(0), "ce_type"),
            "dev.lamplighter.git.other.v1");
  EXPECT_EQ(Records().at(0).key, "github.com");
}

TEST_F(WebhookIntakeTest, GivesDeliveriesWithoutIdOneByTheirBody) {
  const auto post = [this](absl::string_view body) {
    return Post(absl::StrCat(kEvents, "github"), body,
                absl::StrCat("X-GitHub-Event: push\r\nX-Hub-Signature-256: "
                             "sha256=",
                             Sign(body), "\r\n"))
        .status;
  };
  EXPECT_EQ(post(kPush), 202);
  EXPECT_EQ(post(kPush), 202);
  EXPECT_EQ(post("{}"), 202);
  const auto records = Records();
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(FindHeader(records[0], "ce_id"), FindHeader(records[1], "ce_id"));
  EXPECT_NE(FindHeader(records[0], "ce_id"), FindHeader(records[2], "ce_id"));
}

using Ids = std::vector<std::string>;

class WebhookIdTest : public IngestServerTest {
 protected:
  // Posts `body` once for each of `headers`; the ce_ids of all records then.
  Ids Post(absl::string_view path, const std::vector<std::string>& headers,
           absl::string_view body) {
    for (const std::string& lines : headers) {
      EXPECT_EQ(IngestServerTest::Post(absl::StrCat(kEvents, path), body, lines)
                    .status,
                202);
    }
    Ids ids;
    for (const Record& record : Records()) {
      ids.emplace_back(*FindHeader(record, "ce_id"));
    }
    return ids;
  }
};

TEST_F(WebhookIdTest, GitLabsIsTheIdempotencyKey) {
  EXPECT_THAT(Post("gitlab",
                   {GitLabHeaders(kToken,
                                  "Idempotency-Key: k-1\r\n"
                                  "X-Gitlab-Event-UUID: u-1\r\n"),
                    GitLabHeaders("", StandardHeaders(kPush, 1'700'000'000))},
                   kPush),
              ElementsAre("gitlab/lab/k-1", "gitlab/lab/w-1"));
}

TEST_F(WebhookIdTest, OlderGitLabsIsTheEventAndTheBody) {
  const std::string first =
      GitLabHeaders(kToken, "X-Gitlab-Event-UUID: u-1\r\n");
  const std::string second =
      GitLabHeaders(kToken, "X-Gitlab-Event-UUID: u-2\r\n");
  const Ids ids = Post("gitlab", {first, first, second}, kPush);
  ASSERT_THAT(ids, SizeIs(3));
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_NE(ids[0], ids[2]);
}

TEST_F(WebhookIdTest, BitbucketsIsThatOfTheRequest) {
  EXPECT_THAT(
      Post("bitbucket",
           {absl::StrCat("X-Request-UUID: r-1\r\nX-Attempt-Number: 2\r\n",
                         "X-Hook-UUID: h\r\n",
                         BitbucketHeaders("repo:push", Sign(kPush)))},
           kPush),
      ElementsAre("bitbucket/bucket/r-1"));
}

TEST_F(WebhookIdTest, BitbucketServersIsThatOfTheRequest) {
  EXPECT_THAT(
      Post("bitbucketserver",
           {absl::StrCat("X-Request-Id: r-2\r\n",
                         BitbucketHeaders("repo:refs_changed", Sign(kPush)))},
           kPush),
      ElementsAre("bitbucketserver/server/r-2"));
}

TEST_F(WebhookIdTest, AzuresIsThatOfTheEventAndTheSubscription) {
  EXPECT_THAT(Post("azure-devops/azure", {BasicHeaders(kToken)},
                   R"({"id": "e-1", "subscriptionId": "s-1"})"),
              ElementsAre("azure-devops/azure/e-1/s-1"));
}

TEST_F(WebhookIdTest, AzuresNeverHoldsWhatAHeaderMayNot) {
  const Ids ids = Post("azure-devops", {BasicHeaders(kToken)},
                       R"({"id": "a\r\nb", "eventType": "\u0000"})");
  ASSERT_THAT(ids, SizeIs(1));
  EXPECT_THAT(ids[0], Not(HasSubstr("\n")));
}

TEST_F(WebhookIdTest, ForgejosIsThatOfTheDelivery) {
  EXPECT_THAT(Post("forgejo",
                   {absl::StrCat("X-Forgejo-Event: push\r\n",
                                 "X-Forgejo-Delivery: d-3\r\n",
                                 GiteaHeaders(Sign(kPush)))},
                   kPush),
              ElementsAre("forgejo/jo/d-3"));
}

TEST_F(WebhookIntakeTest, TakesTheSecretBeforeAsWell) {
  EXPECT_EQ(
      Post(absl::StrCat(kEvents, "github"), kPush,
           GitHubHeaders(absl::StrCat("sha256=", Sign(kPush, kOldSecret))))
          .status,
      202);
  EXPECT_EQ(
      Post(absl::StrCat(kEvents, "azure-devops"), "{}", BasicHeaders(kOldToken))
          .status,
      202);
  EXPECT_EQ(
      Post(absl::StrCat(kEvents, "gitlab"), kPush, GitLabHeaders(kOldToken))
          .status,
      202);
}

TEST_F(WebhookIntakeTest, SaysThatTheClocksDiffer) {
  ExpectRefused(Post(absl::StrCat(kEvents, "gitlab"), kPush,
                     GitLabHeaders("", StandardHeaders(kPush, 1'600'000'000))),
                401, "gitlab", "signature",
                "more than five minutes old or early");
}

TEST_F(WebhookIntakeTest, AsksAzureForAUserAndAPassword) {
  const TestResponse response =
      Post(absl::StrCat(kEvents, "azure-devops"), "{}");
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.headers.Find("WWW-Authenticate"),
            "Basic realm=\"webhooks\"");
}

TEST_F(WebhookIntakeTest, NamesTheHeaderThatContradictsThePath) {
  ExpectRefused(Post(absl::StrCat(kEvents, "bitbucket"), kPush,
                     BitbucketHeaders("pr:opened", Sign(kPush))),
                400, "bitbucket", "wrong_forge", "as it has X-Event-Key pr:");
}

TEST_F(WebhookIntakeTest, KeepsAnEventOfNoKnownKindWithItsBody) {
  constexpr char kBody[] = R"({"of": "a time to come"})";
  EXPECT_EQ(
      Post(absl::StrCat(kEvents, "azure-devops"), kBody, BasicHeaders(kToken))
          .status,
      202);
  v1::GitEvent event;
  ASSERT_TRUE(event.ParseFromString(Records().at(0).value));
  EXPECT_EQ(event.type(), v1::GitEvent::OTHER);
  EXPECT_EQ(event.provider_type(), "azuredevops");
  EXPECT_EQ(event.raw().data(), kBody);
  EXPECT_THAT(MetricsText(),
              HasSubstr("lamplighter_ingest_git_events_total{provider="
                        "\"azure-devops\",type=\"other\"} 1\n"));
}

}  // namespace
}  // namespace lamplighter::ingest
