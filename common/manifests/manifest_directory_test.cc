#include "common/manifests/manifest_directory.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/manifests/objects.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string ProviderYaml(const std::string& name, const std::string& type) {
  return absl::StrCat(
      "{apiVersion: notification.toolkit.fluxcd.io/v1beta3, kind: Provider,"
      " metadata: {name: ",
      name, "}, spec: {type: '", type, "', address: 'https://h/o/r'}}\n");
}

class ManifestDirectoryTest : public ::testing::Test {
 protected:
  ManifestDirectoryTest() {
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  void Write(const std::string& name, const std::string& text) {
    // A new file in the old one's place, as editors and Kubernetes do it.
    std::ofstream(directory_ / ("." + name)) << text;
    fs::rename(directory_ / ("." + name), directory_ / name);
  }

  const fs::path directory_ =
      fs::path(std::getenv("TEST_TMPDIR")) / "manifests";
};

TEST_F(ManifestDirectoryTest, ReadsYamlFilesAndPassesOverTheRest) {
  Write("a.yaml", ProviderYaml("a", "github"));
  Write("b.yml", ProviderYaml("b", "gitea"));
  Write("notes.txt", ProviderYaml("c", "github"));
  fs::create_directory(directory_ / "sub.yaml");
  std::ofstream(directory_ / ".hidden.yaml") << ProviderYaml("d", "github");

  const auto manifests = ManifestDirectory::Create(directory_);
  ASSERT_THAT(manifests, IsOk());
  EXPECT_THAT((*manifests)->Current()->providers, SizeIs(2));
  EXPECT_THAT((*manifests)->problems(), IsEmpty());
}

TEST_F(ManifestDirectoryTest, SaysWhichDirectoryIsNotThere) {
  EXPECT_THAT(
      ManifestDirectory::Create("/no/such"),
      StatusIs(absl::StatusCode::kNotFound, ::testing::HasSubstr("/no/such")));
}

TEST_F(ManifestDirectoryTest, TakesOverWhatChanged) {
  Write("a.yaml", ProviderYaml("a", "github"));
  const auto manifests = ManifestDirectory::Create(directory_).value();
  const auto before = manifests->Current();
  ASSERT_THAT(manifests->Refresh(), IsOk());
  EXPECT_EQ(manifests->Current(), before) << "nothing changed";

  Write("a.yaml", ProviderYaml("a", "gitea"));
  ASSERT_THAT(manifests->Refresh(), IsOk());
  EXPECT_EQ(manifests->Current()->FindProvider("default", "a")->type, "gitea");
  EXPECT_EQ(before->FindProvider("default", "a")->type, "github")
      << "what somebody holds does not change";

  fs::remove(directory_ / "a.yaml");
  ASSERT_THAT(manifests->Refresh(), IsOk());
  EXPECT_THAT(manifests->Current()->providers, IsEmpty());
}

TEST_F(ManifestDirectoryTest, KeepsTheLastValidFormOfAnInvalidObject) {
  Write("a.yaml", ProviderYaml("a", "github"));
  const auto manifests = ManifestDirectory::Create(directory_).value();

  Write("a.yaml", ProviderYaml("a", ""));
  ASSERT_THAT(manifests->Refresh(), IsOk());
  EXPECT_THAT(manifests->problems(), SizeIs(1));
  ASSERT_NE(manifests->Current()->FindProvider("default", "a"), nullptr);
  EXPECT_EQ(manifests->Current()->FindProvider("default", "a")->type, "github");

  Write("a.yaml", "spec: [");
  ASSERT_THAT(manifests->Refresh(), IsOk());
  EXPECT_NE(manifests->Current()->FindProvider("default", "a"), nullptr);
}

TEST_F(ManifestDirectoryTest, KeepsEverythingWhileTheDirectoryIsAway) {
  Write("a.yaml", ProviderYaml("a", "github"));
  const auto manifests = ManifestDirectory::Create(directory_).value();
  fs::remove_all(directory_);
  EXPECT_THAT(manifests->Refresh(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(manifests->Current()->providers, SizeIs(1));
}

}  // namespace
}  // namespace lamplighter
