#include "common/manifests/manifest_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/manifests/manifest_parser.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ManifestFilesTest : public ::testing::Test {
 protected:
  ManifestFilesTest() {
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  void Write(const std::string& name, const std::string& text = "") {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
  }
  std::vector<std::string> Names() const {
    return FindManifestFiles(directory_)->names;
  }
  std::vector<std::string> Problems() const {
    std::vector<std::string> texts;
    const auto problems = CheckManifests(directory_);
    for (const ManifestProblem& problem : *problems) {
      texts.push_back(problem.ToString());
    }
    return texts;
  }

  const fs::path directory_ =
      fs::path(std::getenv("TEST_TMPDIR")) / "manifest_files";
};

constexpr char kProvider[] =
    "{apiVersion: notification.toolkit.fluxcd.io/v1beta3, kind: Provider, "
    "metadata: {name: forge, namespace: apps}, spec: {type: github, secretRef: "
    "{name: token}}}\n";
constexpr char kAlert[] =
    "{apiVersion: notification.toolkit.fluxcd.io/v1beta3, kind: Alert, "
    "metadata: {name: fleet, namespace: apps}, spec: {providerRef: {name: "
    "forge}}}\n";

TEST_F(ManifestFilesTest, FindsYamlInDirectoriesAndPassesOverTheRest) {
  for (const char* name : {"b.yml", "a.yaml", "team/c.json", "notes.txt",
                           ".hidden.yaml", "..data/a.yaml", "d.yaml/e.yaml"}) {
    Write(name);
  }
  EXPECT_THAT(Names(),
              ElementsAre("a.yaml", "b.yml", "d.yaml/e.yaml", "team/c.json"));
}

TEST_F(ManifestFilesTest, VisitsADirectoryOnceWhateverLeadsToIt) {
  Write("team/a.yaml");
  fs::create_directory_symlink("..", directory_ / "team/up");
  EXPECT_THAT(Names(), ElementsAre("team/a.yaml"));
}

TEST_F(ManifestFilesTest, SaysWhatIsTooDeep) {
  Write("1/2/3/4/5/6/a.yaml");
  EXPECT_THAT(Problems(),
              ElementsAre("1/2/3/4/5: directories are read five deep, and 1000 "
                          "at most"));
}

TEST_F(ManifestFilesTest, TellsEveryProblemWithItsPlace) {
  Write("a.yaml", std::string(kAlert) + "---\n{apiVersion: v1, kind: Secret}");
  Write("team/b.yaml", "a: [");
  EXPECT_THAT(Problems(),
              ElementsAre("a.yaml:1: Alert apps/fleet: spec.providerRef: there "
                          "is no Provider forge in namespace apps",
                          "a.yaml:3: Secret default/: metadata.name: must not "
                          "be empty",
                          testing::StartsWith("team/b.yaml:1: not YAML")));
}

TEST_F(ManifestFilesTest, AsksForSecretsOnlyWhereThereAreSome) {
  Write("a.yaml", std::string(kAlert) + "---\n" + kProvider);
  EXPECT_THAT(Problems(), IsEmpty());
  Write("b.yaml", "{apiVersion: v1, kind: Secret, metadata: {name: other}}");
  EXPECT_THAT(Problems(), ElementsAre("a.yaml:3: Provider apps/forge: there is "
                                      "no Secret token in namespace apps"));
}

TEST_F(ManifestFilesTest, NotesLabelsThatFilesCannotKnow) {
  Write("a.yaml",
        std::string(kProvider) + "---\n" +
            "{apiVersion: notification.toolkit.fluxcd.io/v1beta3, "
            "kind: Alert, metadata: {name: fleet, namespace: apps}, "
            "spec: {providerRef: {name: forge}, eventSources: [{kind: "
            "Kustomization, name: '*', matchLabels: {team: a}}]}}\n");
  const auto problems = CheckManifests(directory_);
  ASSERT_EQ(problems->size(), 1);
  EXPECT_TRUE(problems->front().is_note);
  EXPECT_THAT(problems->front().ToString(),
              testing::StartsWith("a.yaml:3: Alert apps/fleet: "
                                  "spec.eventSources: matchLabels matches "
                                  "nothing"));
}

TEST_F(ManifestFilesTest, SaysThatThereIsNoSuchDirectory) {
  EXPECT_THAT(CheckManifests("/no/such"),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace lamplighter
