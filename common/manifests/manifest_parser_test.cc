#include "common/manifests/manifest_parser.h"

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/manifests/objects.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

class ManifestParserTest : public ::testing::Test {
 protected:
  void Parse(const std::string& yaml) {
    ParseManifests(yaml, "file.yaml", manifests_, problems_);
  }
  std::vector<std::string> Problems() const {
    std::vector<std::string> texts;
    for (const ManifestProblem& problem : problems_) {
      texts.push_back(problem.ToString());
    }
    return texts;
  }

  Manifests manifests_;
  std::vector<ManifestProblem> problems_;
};

constexpr char kGitHubStatus[] = R"(
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: github-status, namespace: flux-system}
spec:
  type: github
  address: https://github.com/acme/fleet
  secretRef: {name: github-token}
  timeout: 1m30s
---
apiVersion: notification.toolkit.fluxcd.io/v1beta2
kind: Alert
metadata: {name: github-status, namespace: flux-system}
spec:
  providerRef: {name: github-status}
  eventSources:
    - {kind: Kustomization, name: apps}
    - {kind: HelmRelease, name: '*', namespace: apps}
  exclusionList: ["waiting.*socket"]
  eventMetadata: {env: prod}
  summary: production
---
apiVersion: v1
kind: Secret
metadata: {name: github-token, namespace: flux-system}
data: {token: Z2hwX29uZQ==, old: b2xk}
stringData: {old: new}
)";

TEST_F(ManifestParserTest, ReadsFluxObjectsAsFluxDoes) {
  Parse(kGitHubStatus);
  EXPECT_THAT(Problems(), IsEmpty());

  const Provider* provider =
      manifests_.FindProvider("flux-system", "github-status");
  ASSERT_NE(provider, nullptr);
  EXPECT_EQ(provider->type, "github");
  EXPECT_EQ(provider->address, "https://github.com/acme/fleet");
  EXPECT_EQ(provider->secret_ref, "github-token");
  EXPECT_EQ(provider->timeout, absl::Seconds(90));

  const Alert& alert = manifests_.alerts.at({"flux-system", "github-status"});
  EXPECT_EQ(alert.provider_ref, "github-status");
  EXPECT_EQ(alert.event_severity, "info");
  ASSERT_THAT(alert.event_sources, SizeIs(2));
  EXPECT_EQ(alert.event_sources[0].namespace_, "flux-system");
  EXPECT_EQ(alert.event_sources[1].namespace_, "apps");
  EXPECT_THAT(alert.exclusion_list, ElementsAre("waiting.*socket"));
  EXPECT_THAT(alert.event_metadata, ElementsAre(Pair("env", "prod")));
  EXPECT_EQ(alert.summary, "production");

  const Secret* secret = manifests_.FindSecret("flux-system", "github-token");
  ASSERT_NE(secret, nullptr);
  EXPECT_EQ(secret->Find("token"), "ghp_one");
  EXPECT_EQ(secret->Find("old"), "new");
  EXPECT_EQ(secret->Find("absent"), absl::nullopt);
}

TEST_F(ManifestParserTest, GivesAProviderOfAFileAUidThatStaysTheSame) {
  Parse(kGitHubStatus);
  const std::string first =
      manifests_.FindProvider("flux-system", "github-status")->uid;
  EXPECT_EQ(first, "da66dbab");  // sha256("flux-system/github-status")

  manifests_ = {};
  Parse(R"({apiVersion: notification.toolkit.fluxcd.io/v1beta3, kind: Provider,
            metadata: {name: a, namespace: b, uid: 0c9c2e41-d2f9},
            spec: {type: gitea, address: "https://git.example/a/b"}})");
  EXPECT_EQ(manifests_.FindProvider("b", "a")->uid, "0c9c2e41-d2f9");
}

TEST_F(ManifestParserTest, RemembersProvidersOfOtherTypesOnlyByName) {
  Parse(R"(
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: chat, namespace: flux-system}
spec: {type: slack, channel: general}
)");
  EXPECT_THAT(Problems(),
              ElementsAre("file.yaml:5: Provider flux-system/chat: spec.type: "
                          "slack sets no commit status: passed over"));
  EXPECT_TRUE(problems_[0].is_note);
  EXPECT_EQ(manifests_.FindProvider("flux-system", "chat"), nullptr);
  EXPECT_TRUE(manifests_.other_providers.contains({"flux-system", "chat"}));
}

TEST_F(ManifestParserTest, PassesOverObjectsThatAreNotItsOwn) {
  Parse(R"(
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps}
---
apiVersion: example.com/v1
kind: Provider
metadata: {name: somebody-elses}
---
metadata: [values, of, a, chart]
kind: [unlike, ours]
---
just a text
)");
  EXPECT_THAT(Problems(), IsEmpty());
  EXPECT_THAT(manifests_.providers, IsEmpty());
}

TEST_F(ManifestParserTest, ReadsTheItemsOfAList) {
  Parse(R"(
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Secret
    metadata: {name: one}
    stringData: {token: t}
)");
  EXPECT_NE(manifests_.FindSecret("default", "one"), nullptr);
}

TEST_F(ManifestParserTest, TellsFileLineAndObjectOfWhatIsInvalid) {
  Parse(R"(apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: broken, namespace: flux-system}
spec:
  type: github
  timeout: soon
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: broken, namespace: flux-system}
spec:
  eventSeverity: loud
  eventSources:
    - {kind: Kustomization}
)");
  EXPECT_THAT(
      Problems(),
      ElementsAre(
          "file.yaml:6: Provider flux-system/broken: spec.timeout: must be a "
          "duration like 15s",
          "file.yaml:12: Alert flux-system/broken: spec.providerRef.name: must "
          "not be empty",
          "file.yaml:12: Alert flux-system/broken: spec.eventSeverity: must be "
          "info or error",
          "file.yaml:14: Alert flux-system/broken: spec.eventSources: kind and "
          "name must not be empty"));
  EXPECT_THAT(manifests_.providers, IsEmpty());
  EXPECT_THAT(manifests_.alerts, IsEmpty());
}

TEST_F(ManifestParserTest, ReadsAllVersionsThatFluxHasServed) {
  for (const std::string version : {"v1beta1", "v1beta2", "v1beta3"}) {
    Parse("{apiVersion: notification.toolkit.fluxcd.io/" + version +
          ", kind: Provider, metadata: {name: " + version +
          "}, spec: {type: github}}\n---\n"
          "{apiVersion: notification.toolkit.fluxcd.io/" +
          version + ", kind: Alert, metadata: {name: " + version +
          "}, spec: {providerRef: {name: p}}}");
  }
  EXPECT_THAT(Problems(), IsEmpty());
  EXPECT_THAT(manifests_.providers, SizeIs(3));
  EXPECT_THAT(manifests_.alerts, SizeIs(3));
}

TEST_F(ManifestParserTest, RefusesVersionsItDoesNotKnow) {
  Parse(R"({apiVersion: notification.toolkit.fluxcd.io/v9, kind: Provider,
            metadata: {name: a}, spec: {type: github}})");
  EXPECT_THAT(Problems(),
              ElementsAre(HasSubstr("apiVersion: must be v1beta1")));
  EXPECT_THAT(manifests_.providers, IsEmpty());
}

TEST_F(ManifestParserTest, NeverPrintsASecretThatIsNotBase64) {
  Parse(
      "{apiVersion: v1, kind: Secret, metadata: {name: s},"
      " data: {token: 'hunter2!'}}");
  ASSERT_THAT(Problems(), ElementsAre(HasSubstr("data.token: must be base64")));
  EXPECT_THAT(Problems()[0], ::testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(manifests_.secrets, IsEmpty());
}

TEST_F(ManifestParserTest, UsesTheFirstOfTwoOfOneName) {
  Parse(std::string(kGitHubStatus) + "---" + kGitHubStatus);
  EXPECT_THAT(Problems(), SizeIs(3));
  EXPECT_THAT(
      Problems()[0],
      AllOf(HasSubstr("file.yaml:29: Provider"),
            HasSubstr("defined twice: the one in file.yaml:2 is used")));
  EXPECT_THAT(manifests_.providers, SizeIs(1));
}

TEST_F(ManifestParserTest, TellsWhereAFileIsNoYaml) {
  Parse("kind: Provider\nspec: [1, 2\n");
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("file.yaml:3: not YAML")));
}

TEST_F(ManifestParserTest, TellsEmptyMatchLabelsFromNone) {
  Parse(R"(
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: labels, namespace: flux-system}
spec:
  providerRef: {name: p}
  eventSources:
    - {kind: Kustomization, name: '*', matchLabels: {}}
    - {kind: Kustomization, name: '*'}
)");
  EXPECT_THAT(Problems(), IsEmpty());
  const Alert& alert = manifests_.alerts.at({"flux-system", "labels"});
  EXPECT_TRUE(alert.event_sources[0].match_labels.has_value());
  EXPECT_FALSE(alert.event_sources[1].match_labels.has_value());
}

}  // namespace
}  // namespace lamplighter
