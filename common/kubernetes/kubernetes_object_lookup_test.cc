#include "common/kubernetes/kubernetes_object_lookup.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/async/testing/run_sync.h"
#include "common/http/testing/fake_http_client.h"
#include "common/kubernetes/kubernetes_client.h"
#include "common/kubernetes/testing/fake_api_server.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr char kServer[] = "https://cluster.example";
constexpr char kGroup[] =
    "https://cluster.example/apis/kustomize.toolkit.fluxcd.io/v1";
constexpr char kSources[] =
    "https://cluster.example/apis/source.toolkit.fluxcd.io/";

ObjectReference Apps(const std::string& resource_version) {
  return {.api_version = "kustomize.toolkit.fluxcd.io/v1",
          .kind = "Kustomization",
          .namespace_ = "flux-system",
          .name = "apps",
          .uid = "u",
          .resource_version = resource_version};
}

class KubernetesObjectLookupTest : public ::testing::Test {
 protected:
  KubernetesObjectLookupTest() {
    http_.When("GET", kGroup).Return(Reply(200, R"({"resources":[
            {"name":"kustomizations/status","namespaced":true,"kind":"Kustomization"},
            {"name":"kustomizations","namespaced":true,"kind":"Kustomization"}]})"));
    http_.When("GET", HasSubstr("/kustomizations/apps"))
        .Return(Reply(200, R"({"metadata":{"uid":"u","labels":{"team":"a"}}})"))
        .Then(Reply(200, R"({"metadata":{"uid":"u"}})"));
    http_.When("GET", absl::StrCat(kSources, "v1"))
        .Return(Reply(200, R"({"resources":[
            {"name":"gitrepositories","namespaced":true,"kind":"GitRepository"},
            {"name":"helmcharts","namespaced":true,"kind":"HelmChart"}]})"));
    http_.When("GET", absl::StrCat(kSources, "v1beta2"))
        .Return(Reply(200, R"({"resources":[
            {"name":"ocirepositories","namespaced":true,"kind":"OCIRepository"}]})"));
    http_.When("GET", absl::StrCat(kServer, "/apis/helm.toolkit.fluxcd.io/v2"))
        .Return(Reply(200, R"({"resources":[
            {"name":"helmreleases","namespaced":true,"kind":"HelmRelease"}]})"));
  }
  absl::StatusOr<std::shared_ptr<const ObjectLookup::Labels>> Labels(
      ObjectReference object) {
    return RunSync(lookup_.FindLabels(std::move(object)));
  }
  absl::StatusOr<std::string> Repository(ObjectReference object) {
    return RunSync(lookup_.FindRepository(std::move(object)));
  }
  // The object at `path` has these fields beside its metadata.
  void Answer(const std::string& path, const std::string& fields) {
    http_.When("GET", EndsWith(path))
        .Return(Reply(
            200, absl::StrCat(R"({"metadata":{"uid":"u"},)", fields, "}")));
  }

  FakeHttpClient http_;
  FakeClock clock_;
  std::unique_ptr<KubernetesClient> client_ =
      KubernetesClient::Create({}, FakeApiServer::Cluster(), http_).value();
  KubernetesObjectLookup lookup_{
      {.max_remembered = 2, .remember = absl::Seconds(30)}, *client_, clock_};
};

TEST_F(KubernetesObjectLookupTest, AsksForTheMetadataOfTheObject) {
  const auto labels = Labels(Apps("1"));
  ASSERT_THAT(labels, IsOk());
  EXPECT_THAT(**labels, ElementsAre(Pair("team", "a")));
  EXPECT_EQ(
      http_.calls().back().url,
      absl::StrCat(kGroup, "/namespaces/flux-system/kustomizations/apps"));
  EXPECT_THAT(*http_.calls().back().headers.Find("Accept"),
              HasSubstr("as=PartialObjectMetadata"));
}

TEST_F(KubernetesObjectLookupTest, AsksOnceForOneVersionOfAnObject) {
  ASSERT_THAT(Labels(Apps("1")), IsOk());
  ASSERT_THAT(Labels(Apps("1")), IsOk());
  EXPECT_THAT(http_.calls(), SizeIs(2)) << "the kind, and the object";
  EXPECT_THAT(**Labels(Apps("2")), IsEmpty()) << "it has changed since";
  EXPECT_THAT(http_.calls(), SizeIs(3));
  clock_.Advance(absl::Seconds(31));
  ASSERT_THAT(Labels(Apps("2")), IsOk());
  EXPECT_THAT(http_.calls(), SizeIs(4)) << "labels may have changed alone";
}

TEST_F(KubernetesObjectLookupTest, ForgetsWhatWasNotAskedForTheLongest) {
  ASSERT_THAT(Labels(Apps("1")), IsOk());
  ASSERT_THAT(Labels(Apps("2")), IsOk());
  ASSERT_THAT(Labels(Apps("1")), IsOk());
  ASSERT_THAT(Labels(Apps("3")), IsOk());  // 2 makes room
  const size_t calls = http_.calls().size();
  ASSERT_THAT(Labels(Apps("1")), IsOk());
  EXPECT_EQ(http_.calls().size(), calls);
  ASSERT_THAT(Labels(Apps("2")), IsOk());
  EXPECT_EQ(http_.calls().size(), calls + 1);
}

TEST_F(KubernetesObjectLookupTest, SaysWhyThereAreNone) {
  http_.When("GET", HasSubstr("/kustomizations/apps"))
      .Return(Reply(404))
      .Then(Reply(403, R"({"message":"forbidden"})"))
      .Then(Reply(503));
  EXPECT_THAT(Labels(Apps("1")), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(
      Labels(Apps("1")),
      StatusIs(StatusCode::kPermissionDenied,
               HasSubstr(
                   "grant get of kustomizations.kustomize.toolkit.fluxcd.io")));
  EXPECT_THAT(Labels(Apps("1")), StatusIs(StatusCode::kUnavailable));
  ObjectReference other = Apps("1");
  other.kind = "Terraform";
  EXPECT_THAT(Labels(other),
              StatusIs(StatusCode::kNotFound, HasSubstr("no kind Terraform")));
}

TEST_F(KubernetesObjectLookupTest, TakesNoOtherObjectOfTheSameName) {
  ObjectReference elsewhere = Apps("1");
  elsewhere.uid = "of-another-cluster";
  EXPECT_THAT(Labels(elsewhere),
              StatusIs(StatusCode::kNotFound, HasSubstr("of another cluster")));
  EXPECT_THAT(Repository(elsewhere), StatusIs(StatusCode::kNotFound));
  elsewhere.uid = "";
  EXPECT_THAT(Labels(elsewhere), IsOk()) << "the event does not tell";
}

TEST_F(KubernetesObjectLookupTest, NeverGoesWhereAnEventMightLeadIt) {
  for (const char* name : {"", "..", "a/b"}) {
    ObjectReference object = Apps("1");
    object.name = name;
    EXPECT_THAT(Labels(object), StatusIs(StatusCode::kNotFound)) << name;
    EXPECT_THAT(Repository(object), StatusIs(StatusCode::kNotFound)) << name;
  }
  for (const char* version : {"", "v1?x=", "../v1", "a/b/c", "a b/v1"}) {
    ObjectReference object = Apps("1");
    object.api_version = version;
    EXPECT_THAT(Labels(object), StatusIs(StatusCode::kNotFound)) << version;
  }
  EXPECT_THAT(http_.calls(), IsEmpty());
}

TEST_F(KubernetesObjectLookupTest, FollowsAKustomizationToItsRepository) {
  Answer("/kustomizations/apps", R"("spec":{"sourceRef":
      {"kind":"GitRepository","name":"fleet","namespace":"sources"}})");
  Answer("/v1/namespaces/sources/gitrepositories/fleet",
         R"("spec":{"url":"ssh://git@github.com/acme/fleet"})");
  EXPECT_EQ(Repository(Apps("1")).value_or("none"),
            "ssh://git@github.com/acme/fleet");
  const size_t calls = http_.calls().size();
  EXPECT_THAT(Repository(Apps("1")), IsOk());
  EXPECT_THAT(http_.calls(), SizeIs(calls)) << "it is remembered";
  EXPECT_THAT(Repository(Apps("2")), IsOk());
  EXPECT_THAT(http_.calls(), SizeIs(calls + 1))
      << "the source is remembered for all that is made from it";
}

TEST_F(KubernetesObjectLookupTest, TakesTheUrlOfASourceThatTheEventIsAbout) {
  Answer("/gitrepositories/fleet", R"("spec":{"url":"https://g.example/a/b"})");
  EXPECT_EQ(Repository({.api_version = "source.toolkit.fluxcd.io/v1",
                        .kind = "GitRepository",
                        .namespace_ = "flux-system",
                        .name = "fleet"})
                .value_or("none"),
            "https://g.example/a/b");
}

TEST_F(KubernetesObjectLookupTest, AsksAnArtifactWhatItWasMadeFrom) {
  Answer("/kustomizations/apps",
         R"("spec":{"sourceRef":{"kind":"OCIRepository","name":"fleet"}})");
  Answer("/v1beta2/namespaces/flux-system/ocirepositories/fleet",
         R"("spec":{"url":"oci://ghcr.io/acme/fleet"},"status":{"artifact":
      {"metadata":{"org.opencontainers.image.source":"https://github.com/acme/fleet"}}})");
  EXPECT_EQ(Repository(Apps("1")).value_or("none"),
            "https://github.com/acme/fleet");
  Answer("/ocirepositories/fleet", R"("status":{})");
  clock_.Advance(absl::Minutes(1));
  EXPECT_THAT(Repository(Apps("1")),
              StatusIs(StatusCode::kNotFound,
                       HasSubstr("OCIRepository flux-system/fleet names no")));
}

TEST_F(KubernetesObjectLookupTest, FollowsAHelmReleaseByWayOfItsChart) {
  const ObjectReference release = {.api_version = "helm.toolkit.fluxcd.io/v2",
                                   .kind = "HelmRelease",
                                   .namespace_ = "apps",
                                   .name = "web"};
  Answer("/helmreleases/web", R"("spec":{"chart":{"spec":{"sourceRef":
      {"kind":"GitRepository","name":"charts"}}}})");
  Answer("/namespaces/apps/gitrepositories/charts",
         R"("spec":{"url":"https://github.com/acme/charts"})");
  EXPECT_EQ(Repository(release).value_or("none"),
            "https://github.com/acme/charts");
  clock_.Advance(absl::Minutes(1));
  Answer("/helmreleases/web",
         R"("spec":{"chartRef":{"kind":"HelmChart","name":"web"}})");
  Answer("/helmcharts/web",
         R"("spec":{"sourceRef":{"kind":"GitRepository","name":"charts"}})");
  EXPECT_EQ(Repository(release).value_or("none"),
            "https://github.com/acme/charts");
}

TEST_F(KubernetesObjectLookupTest, SaysWhereNoRepositoryIsNamed) {
  const auto says = [&](const std::string& what) {
    return StatusIs(StatusCode::kNotFound, HasSubstr(what));
  };
  Answer("/kustomizations/apps", R"("spec":{})");
  EXPECT_THAT(Repository(Apps("1")),
              says("Kustomization flux-system/apps names no Git repository"));
  Answer("/kustomizations/apps",
         R"("spec":{"sourceRef":{"kind":"Bucket","name":"b"}})");
  EXPECT_THAT(Repository(Apps("1")), says("names no Git repository"));
  // A chart that goes round in circles.
  Answer("/kustomizations/apps",
         R"("spec":{"sourceRef":{"kind":"HelmChart","name":"web"}})");
  Answer("/helmcharts/web",
         R"("spec":{"sourceRef":{"kind":"HelmChart","name":"web"}})");
  EXPECT_THAT(Repository(Apps("1")),
              says("HelmChart flux-system/web names no"));
}

TEST_F(KubernetesObjectLookupTest, SaysWhatToGrantForASource) {
  Answer("/kustomizations/apps",
         R"("spec":{"sourceRef":{"kind":"GitRepository","name":"fleet"}})");
  http_.When("GET", EndsWith("/gitrepositories/fleet")).Return(Reply(403));
  EXPECT_THAT(Repository(Apps("1")),
              StatusIs(StatusCode::kPermissionDenied,
                       HasSubstr("grant get of "
                                 "gitrepositories.source.toolkit.fluxcd.io")));
}

}  // namespace
}  // namespace lamplighter
