#include "services/ingest/forges/webhook_intake.h"

#include <string>

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

using ::testing::HasSubstr;
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

}  // namespace
}  // namespace lamplighter::ingest
