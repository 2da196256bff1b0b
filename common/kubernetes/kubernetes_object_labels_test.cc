#include "common/kubernetes/kubernetes_object_labels.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
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
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr char kGroup[] = "/apis/kustomize.toolkit.fluxcd.io/v1";

ObjectReference Apps(const std::string& resource_version) {
  return {.api_version = "kustomize.toolkit.fluxcd.io/v1",
          .kind = "Kustomization",
          .namespace_ = "flux-system",
          .name = "apps",
          .uid = "u",
          .resource_version = resource_version};
}

class KubernetesObjectLabelsTest : public ::testing::Test {
 protected:
  KubernetesObjectLabelsTest() {
    http_.When("GET", std::string("https://cluster.example") + kGroup)
        .Return(Reply(200, R"({"resources":[
            {"name":"kustomizations/status","namespaced":true,"kind":"Kustomization"},
            {"name":"kustomizations","namespaced":true,"kind":"Kustomization"}]})"));
    http_.When("GET", HasSubstr("/kustomizations/apps"))
        .Return(Reply(200, R"({"metadata":{"labels":{"team":"a"}}})"))
        .Then(Reply(200, R"({"metadata":{}})"));
  }
  absl::StatusOr<std::shared_ptr<const ObjectLabels::Labels>> Find(
      ObjectReference object) {
    return RunSync(labels_.Find(std::move(object)));
  }

  FakeHttpClient http_;
  FakeClock clock_;
  std::unique_ptr<KubernetesClient> client_ =
      KubernetesClient::Create({}, FakeApiServer::Cluster(), http_).value();
  KubernetesObjectLabels labels_{
      {.max_remembered = 2, .remember = absl::Seconds(30)}, *client_, clock_};
};

TEST_F(KubernetesObjectLabelsTest, AsksForTheMetadataOfTheObject) {
  const auto labels = Find(Apps("1"));
  ASSERT_THAT(labels, IsOk());
  EXPECT_THAT(**labels, ElementsAre(Pair("team", "a")));
  EXPECT_EQ(http_.calls().back().url,
            std::string("https://cluster.example") + kGroup +
                "/namespaces/flux-system/kustomizations/apps");
  EXPECT_THAT(*http_.calls().back().headers.Find("Accept"),
              HasSubstr("as=PartialObjectMetadata"));
}

TEST_F(KubernetesObjectLabelsTest, AsksOnceForOneVersionOfAnObject) {
  ASSERT_THAT(Find(Apps("1")), IsOk());
  ASSERT_THAT(Find(Apps("1")), IsOk());
  EXPECT_THAT(http_.calls(), SizeIs(2)) << "the kind, and the object";
  EXPECT_THAT(**Find(Apps("2")), IsEmpty()) << "it has changed since";
  EXPECT_THAT(http_.calls(), SizeIs(3));
  clock_.Advance(absl::Seconds(31));
  ASSERT_THAT(Find(Apps("2")), IsOk());
  EXPECT_THAT(http_.calls(), SizeIs(4)) << "labels may have changed alone";
}

TEST_F(KubernetesObjectLabelsTest, ForgetsWhatWasNotAskedForTheLongest) {
  ASSERT_THAT(Find(Apps("1")), IsOk());
  ASSERT_THAT(Find(Apps("2")), IsOk());
  ASSERT_THAT(Find(Apps("1")), IsOk());
  ASSERT_THAT(Find(Apps("3")), IsOk());  // 2 makes room
  const size_t calls = http_.calls().size();
  ASSERT_THAT(Find(Apps("1")), IsOk());
  EXPECT_EQ(http_.calls().size(), calls);
  ASSERT_THAT(Find(Apps("2")), IsOk());
  EXPECT_EQ(http_.calls().size(), calls + 1);
}

TEST_F(KubernetesObjectLabelsTest, SaysWhyThereAreNone) {
  http_.When("GET", HasSubstr("/kustomizations/apps"))
      .Return(Reply(404))
      .Then(Reply(403, R"({"message":"forbidden"})"));
  EXPECT_THAT(Find(Apps("1")), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Find(Apps("1")),
              StatusIs(StatusCode::kPermissionDenied,
                       HasSubstr("grant get of kustomizations")));
  ObjectReference other = Apps("1");
  other.kind = "Terraform";
  EXPECT_THAT(Find(other),
              StatusIs(StatusCode::kNotFound, HasSubstr("no kind Terraform")));
}

TEST_F(KubernetesObjectLabelsTest, NeverGoesWhereAnEventMightLeadIt) {
  for (const char* name : {"", "..", "a/b"}) {
    ObjectReference object = Apps("1");
    object.name = name;
    EXPECT_THAT(Find(object), StatusIs(StatusCode::kInvalidArgument)) << name;
  }
  for (const char* version : {"", "v1?x=", "../v1", "a/b/c", "a b/v1"}) {
    ObjectReference object = Apps("1");
    object.api_version = version;
    EXPECT_THAT(Find(object), StatusIs(StatusCode::kInvalidArgument))
        << version;
  }
  EXPECT_THAT(http_.calls(), IsEmpty());
}

}  // namespace
}  // namespace lamplighter
