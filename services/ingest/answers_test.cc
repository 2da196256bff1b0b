// What each sender is answered: the table of docs/webhooks.md, row by row.

#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/ingest/testing/ingest_server_test.h"

namespace lamplighter::ingest {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int64_t kNow = 1'700'000'000;  // the FakeClock's

struct Row {
  const char* name;
  const char* path;  // below /api/events-handler/v1/events/
  std::string headers;
  std::string body;
  int status;
  bool broker_is_away = false;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

std::string GitHub(absl::string_view event, absl::string_view body) {
  return absl::StrCat("X-GitHub-Event: ", event, "\r\n",
                      "X-Hub-Signature-256: sha256=", Sign(body), "\r\n",
                      kJson);
}

std::string Gitea(absl::string_view event, absl::string_view body) {
  return absl::StrCat("X-GitHub-Event: ", event, "\r\nX-Gitea-Event: ", event,
                      "\r\nX-Gitea-Signature: ", Sign(body), "\r\n", kJson);
}

const Row kRows[] = {
    {"FluxEvent", "flux", kJson, kFlux, 202},
    {"FluxEventWhileTheBrokerIsAway", "flux", kJson, kFlux, 503, true},
    {"FluxEventThatIsNone", "flux", kJson, "{}", 400},

    {"GitHubPing", "github", GitHub("ping", "{\"zen\":\"x\"}"),
     "{\"zen\":\"x\"}", 202},
    {"GitHubPush", "github", GitHub("push", kPush), kPush, 202},
    {"GitHubEventThatNobodyNeeds", "github", GitHub("star", "{}"), "{}", 202},
    {"GitHubPushWithoutSignature", "github", GitHubHeaders(""), kPush, 401},
    {"GitHubPushWithAnEmptySignature", "github", GitHubHeaders("sha256="),
     kPush, 401},
    {"GitHubPushThatGiteaSent", "github", Gitea("push", kPush), kPush, 400},
    {"GitHubPushWhileTheBrokerIsAway", "github", GitHub("push", kPush), kPush,
     503, true},

    {"GitLabPushWithItsToken", "gitlab", GitLabHeaders(kToken), kPush, 202},
    {"GitLabTestThatHasNoAction", "gitlab",
     absl::StrCat("X-Gitlab-Event: Merge Request Hook\r\nX-Gitlab-Token: ",
                  kToken, "\r\n", kJson),
     R"({"object_kind": "merge_request", "object_attributes": {"iid": 1}})",
     202},
    {"GitLabEventThatNobodyNeeds", "gitlab",
     absl::StrCat("X-Gitlab-Event: Note Hook\r\nX-Gitlab-Token: ", kToken,
                  "\r\n", kJson),
     R"({"object_kind": "note"})", 202},
    {"GitLabPushWithASignature", "gitlab",
     GitLabHeaders("", StandardHeaders(kPush, kNow)), kPush, 202},
    {"GitLabPushWithABadSignatureAndAGoodToken", "gitlab",
     GitLabHeaders(kToken, StandardHeaders(kPush, kNow, "other")), kPush, 401},
    {"GitLabPushWithAnEmptySignatureAndAGoodToken", "gitlab",
     GitLabHeaders(kToken, "webhook-signature: \r\n"), kPush, 401},
    {"GitLabPushThatWasRecorded", "gitlab",
     GitLabHeaders(kToken, StandardHeaders(kPush, kNow - 301)), kPush, 401},
    {"GitLabPushWithoutToken", "gitlab", GitLabHeaders(""), kPush, 401},

    {"BitbucketPush", "bitbucket", BitbucketHeaders("repo:push", Sign(kPush)),
     kPush, 202},
    {"BitbucketEventThatNobodyNeeds", "bitbucket",
     BitbucketHeaders("repo:commit_status_created", Sign("{}")), "{}", 202},
    {"BitbucketPushWithAnEmptySignature", "bitbucket",
     BitbucketHeaders("repo:push", ""), kPush, 401},
    {"BitbucketEventOfDataCenter", "bitbucket",
     BitbucketHeaders("repo:refs_changed", Sign(kPush)), kPush, 400},

    {"BitbucketServerPush", "bitbucketserver",
     BitbucketHeaders("repo:refs_changed", Sign(kPush)), kPush, 202},
    {"BitbucketServerTestConnection", "bitbucketserver",
     absl::StrCat("X-Event-Key: diagnostics:ping\r\n", kJson),
     "{\"test\":true}", 200},
    {"BitbucketServerTestConnectionSigned", "bitbucketserver",
     BitbucketHeaders("diagnostics:ping", Sign("{\"test\":true}")),
     "{\"test\":true}", 202},
    {"BitbucketServerTestConnectionWithAnotherSecret", "bitbucketserver",
     BitbucketHeaders("diagnostics:ping", Sign("{\"test\":true}", "other")),
     "{\"test\":true}", 401},
    {"BitbucketServerPushWithoutSignature", "bitbucketserver",
     absl::StrCat("X-Event-Key: repo:refs_changed\r\n", kJson), kPush, 401},
    {"BitbucketServerEventOfCloud", "bitbucketserver",
     BitbucketHeaders("repo:push", Sign(kPush)), kPush, 400},
    {"BitbucketServerEventWithCloudsHeader", "bitbucketserver",
     absl::StrCat("X-Hook-UUID: {u}\r\n",
                  BitbucketHeaders("repo:refs_changed", Sign(kPush))),
     kPush, 400},

    {"AzureDevOpsPush", "azure-devops", BasicHeaders(kToken),
     R"({"eventType": "git.push", "id": "e", "resource": {}})", 202},
    {"AzureDevOpsTestOfAForeignRepository", "azure-devops",
     BasicHeaders(kToken),
     R"({"eventType": "git.push", "id": "03c164c2-8912-4d5e-8009-3707d5f83734",
         "publisherId": "tfs", "resource": {"repository": {
         "id": "278d5cd2-584d-4b63-824a-2ba458937249", "name": "Fabrikam"}}})",
     202},
    {"AzureDevOpsEventThatNobodyNeeds", "azure-devops", BasicHeaders(kToken),
     R"({"eventType": "workitem.created"})", 202},
    {"AzureDevOpsPushWithAWrongPassword", "azure-devops",
     BasicHeaders("user:guess"), "{}", 401},
    {"AzureDevOpsPushWithoutPassword", "azure-devops", kJson, "{}", 401},
    {"AzureDevOpsPushThatGitHubSent", "azure-devops",
     absl::StrCat("X-GitHub-Event: push\r\n", BasicHeaders(kToken)), kPush,
     400},
    {"AzureDevOpsPushWhileTheBrokerIsAway", "azure-devops",
     BasicHeaders(kToken), "{}", 503, true},

    {"GiteaPush", "gitea", Gitea("push", kPush), kPush, 202},
    {"GiteaEventThatNobodyNeeds", "gitea", Gitea("wiki", "{}"), "{}", 202},
    {"GiteaPushWithAnEmptySignature", "gitea", GiteaHeaders(""), kPush, 401},
    {"GiteaPushThatForgejoSent", "gitea",
     absl::StrCat("X-Forgejo-Event: push\r\n", Gitea("push", kPush)), kPush,
     202},
    {"ForgejoPush", "forgejo",
     absl::StrCat("X-Forgejo-Event: push\r\nX-Forgejo-Signature: ", Sign(kPush),
                  "\r\n", Gitea("push", kPush)),
     kPush, 202},
    {"ForgejoPushThatGiteaSent", "forgejo", Gitea("push", kPush), kPush, 400},
};

class AnswersTest : public IngestServerTest,
                    public ::testing::WithParamInterface<Row> {};

TEST_P(AnswersTest, Are) {
  const Row& row = GetParam();
  if (row.broker_is_away) {
    loop_.Do([this] { producer_.FailNext(absl::UnavailableError("away")); });
  }
  const TestResponse response =
      Post(absl::StrCat(kEvents, row.path), row.body, row.headers);
  EXPECT_EQ(response.status, row.status) << response.body;
  // 429 is "done" to Flux, 410 and 500 switch off what Azure DevOps sends, and
  // Flux would sleep through a Retry-After inside its reconciliation.
  EXPECT_THAT(response.status, Not(AnyOf(Eq(410), Eq(429), Eq(500))));
  EXPECT_FALSE(response.headers.Find("Retry-After").has_value());
  if (response.status == 202) {
    EXPECT_THAT(Records(), SizeIs(1));
  } else {
    EXPECT_THAT(Records(), IsEmpty());
  }
}

INSTANTIATE_TEST_SUITE_P(OfEachSender, AnswersTest, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace lamplighter::ingest
