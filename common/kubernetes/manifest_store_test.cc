#include "common/kubernetes/manifest_store.h"

#include <string>

#include "absl/strings/string_view.h"
#include "common/kubernetes/json.h"
#include "common/manifests/objects.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr char kBeta2[] = "notification.toolkit.fluxcd.io/v1beta2";
const ObjectName kName("apps", "forge");

class ManifestStoreTest : public ::testing::Test {
 protected:
  ObjectName Put(const std::string& kind, absl::string_view object) {
    return store_.Put(kind, kind == "Secret" ? "v1" : kBeta2,
                      ParseJsonObject(object).value());
  }

  ManifestStore store_;
};

// As an API server sends it: one line, and with what nobody reads.
constexpr char kProvider[] =
    R"({"apiVersion":"notification.toolkit.fluxcd.io/v1beta3","kind":"Provider","metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"hunter2\":1}\n","lamplighter.dev/x":"a \"b\" \u003c\\ ü: {y}"},"managedFields":[{"fieldsV1":{"f:spec":{".":{}}},"manager":"kubectl"}],"name":"forge","namespace":"apps","uid":"0c9c2e41-d2f9-4ba1"},"spec":{"address":"https://github.com/acme/fleet","secretRef":{"name":"token"},"suspend":false,"timeout":"20s","type":"github"},"status":{"conditions":[]}})";

TEST_F(ManifestStoreTest, TakesAnObjectAsTheServerSendsIt) {
  EXPECT_EQ(Put("Provider", kProvider), kName);
  const Provider* provider = store_.Snapshot()->FindProvider("apps", "forge");
  ASSERT_NE(provider, nullptr);
  EXPECT_EQ(provider->uid, "0c9c2e41-d2f9-4ba1");
  EXPECT_EQ(provider->secret_ref, "token");
  EXPECT_EQ(provider->timeout, absl::Seconds(20));
  EXPECT_THAT(provider->annotations,
              ElementsAre(Pair("lamplighter.dev/x", "a \"b\" <\\ ü: {y}")));
  EXPECT_EQ(provider->origin.ToString(), "kubernetes");
  EXPECT_EQ(store_.invalid(), 0);
}

TEST_F(ManifestStoreTest, TakesItemsOfListsThatLackKindAndVersion) {
  Put("Secret",
      R"({"metadata":{"name":"token","namespace":"apps"},"data":{"a":"","b":"YQ=="}})");
  const Secret* secret = store_.Snapshot()->FindSecret("apps", "token");
  ASSERT_NE(secret, nullptr);
  EXPECT_EQ(secret->Find("a"), "");
  EXPECT_EQ(secret->Find("b"), "a");
}

TEST_F(ManifestStoreTest, GivesTheSameSnapshotUntilSomethingChanges) {
  Put("Provider", kProvider);
  const auto first = store_.Snapshot();
  EXPECT_EQ(store_.Snapshot(), first);
  store_.Remove("Provider", kName);
  EXPECT_THAT(store_.Snapshot()->providers, IsEmpty());
  EXPECT_THAT(first->providers, SizeIs(1));
}

TEST_F(ManifestStoreTest, FollowsAProviderThatChangesItsType) {
  Put("Provider", kProvider);
  Put("Provider",
      R"({"metadata":{"name":"forge","namespace":"apps"},"spec":{"type":"slack"}})");
  EXPECT_THAT(store_.Snapshot()->providers, IsEmpty());
  EXPECT_TRUE(store_.Snapshot()->other_providers.contains(kName));
  Put("Provider", kProvider);
  EXPECT_THAT(store_.Snapshot()->providers, SizeIs(1));
  EXPECT_THAT(store_.Snapshot()->other_providers, IsEmpty());
}

TEST_F(ManifestStoreTest, KeepsTheLastValidFormAndCountsTheInvalid) {
  Put("Provider", kProvider);
  Put("Provider",
      R"({"metadata":{"name":"forge","namespace":"apps"},"spec":{}})");
  Put("Alert", R"({"metadata":{"name":"forge","namespace":"apps"},"spec":{}})");
  EXPECT_EQ(store_.invalid(), 2);
  EXPECT_THAT(store_.Snapshot()->providers, SizeIs(1));
  Put("Provider", kProvider);
  store_.KeepOnly("Alert", "", {});
  EXPECT_EQ(store_.invalid(), 0);
}

TEST_F(ManifestStoreTest, KeepsOnlyWhatAListOfThatKindAndNamespaceNamed) {
  Put("Provider", kProvider);
  Put("Secret", R"({"metadata":{"name":"a","namespace":"apps"}})");
  Put("Secret", R"({"metadata":{"name":"b","namespace":"apps"}})");
  Put("Secret", R"({"metadata":{"name":"b","namespace":"infra"}})");
  store_.KeepOnly("Secret", "apps", {{"apps", "a"}});
  EXPECT_NE(store_.Snapshot()->FindSecret("apps", "a"), nullptr);
  EXPECT_EQ(store_.Snapshot()->FindSecret("apps", "b"), nullptr);
  EXPECT_NE(store_.Snapshot()->FindSecret("infra", "b"), nullptr);
  EXPECT_THAT(store_.Snapshot()->providers, SizeIs(1));
}

}  // namespace
}  // namespace lamplighter
