#include "common/manifests/manifest_directory.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/io_context.hpp"
#include "common/manifests/manifest_metrics.h"
#include "common/manifests/objects.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string ProviderYaml(const std::string& name, const std::string& type) {
  return absl::StrCat(
      "{apiVersion: notification.toolkit.fluxcd.io/v1beta3, kind: Provider,"
      " metadata: {name: ",
      name, "}, spec: {type: '", type, "', address: 'https://h/o/r'}}\n");
}

// A new file in the old one's place, as editors do it.
void WriteFile(const fs::path& path, const std::string& text) {
  const fs::path hidden = path.parent_path() / ".new";
  std::ofstream(hidden) << text;
  fs::rename(hidden, path);
}

class ManifestDirectoryTest : public ::testing::Test {
 protected:
  ManifestDirectoryTest() {
    fs::remove_all(root_);
    fs::create_directories(directory_);
    options_.directory = directory_;
    // Only inotify is quick enough for these tests.
    options_.settle = absl::Milliseconds(1);
    options_.poll = absl::Hours(1);
    options_.poll_alone = absl::Hours(1);
  }
  ~ManifestDirectoryTest() override {
    if (!started_) return;
    bool stopped = false;
    boost::asio::co_spawn(loop_, manifests_->Stop(),
                          [&](const std::exception_ptr&) { stopped = true; });
    Until([&] { return stopped; });
  }

  void Write(const std::string& name, const std::string& text) {
    WriteFile(directory_ / name, text);
  }
  void Create() {
    auto created = ManifestDirectory::Create(
        options_, loop_, clock_, ManifestMetrics(metrics_, "dispatcher"));
    ASSERT_THAT(created, IsOk());
    manifests_ = *std::move(created);
  }
  void Follow() {
    Create();
    manifests_->Start();
    started_ = true;
    // One turn, in which it begins to wait.
    loop_.poll();
  }
  // Turns the loop until `condition` holds.
  void Until(const std::function<bool()>& condition) {
    while (!condition()) {
      ASSERT_EQ(loop_.run_one_for(std::chrono::seconds(10)), 1U);
    }
  }
  std::string TypeOf(const std::string& name) const {
    const Provider* provider =
        manifests_->Current()->FindProvider("default", name);
    return provider == nullptr ? "" : provider->type;
  }

  const fs::path root_ = fs::path(std::getenv("TEST_TMPDIR")) / "root";
  const fs::path directory_ = root_ / "manifests";
  ManifestDirectory::Options options_;
  boost::asio::io_context loop_;
  FakeClock clock_;
  Metrics metrics_;
  std::unique_ptr<ManifestDirectory> manifests_;
  bool started_ = false;
};

TEST_F(ManifestDirectoryTest, SaysWhichDirectoryIsNotThere) {
  options_.directory = "/no/such";
  EXPECT_THAT(ManifestDirectory::Create(options_, loop_, clock_,
                                        ManifestMetrics(metrics_, "provider")),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/no/such")));
}

TEST_F(ManifestDirectoryTest, TakesOverWhatChanged) {
  Write("a.yaml", ProviderYaml("a", "github"));
  Create();
  const auto before = manifests_->Current();
  ASSERT_THAT(manifests_->Refresh(), IsOk());
  EXPECT_EQ(manifests_->Current(), before) << "nothing changed";

  Write("a.yaml", ProviderYaml("a", "gitea"));
  ASSERT_THAT(manifests_->Refresh(), IsOk());
  EXPECT_EQ(TypeOf("a"), "gitea");
  EXPECT_EQ(before->FindProvider("default", "a")->type, "github")
      << "what somebody holds does not change";

  fs::remove(directory_ / "a.yaml");
  ASSERT_THAT(manifests_->Refresh(), IsOk());
  EXPECT_THAT(manifests_->Current()->providers, IsEmpty());
}

TEST_F(ManifestDirectoryTest, KeepsTheLastValidFormOfAnInvalidObject) {
  Write("a.yaml", ProviderYaml("a", "github"));
  Create();
  Write("a.yaml", ProviderYaml("a", ""));
  ASSERT_THAT(manifests_->Refresh(), IsOk());
  EXPECT_THAT(manifests_->problems(), SizeIs(1));
  EXPECT_EQ(TypeOf("a"), "github");
  EXPECT_THAT(metrics_.Text(), HasSubstr("_manifest_invalid_objects 1"));

  Write("a.yaml", "spec: [");
  ASSERT_THAT(manifests_->Refresh(), IsOk());
  EXPECT_EQ(TypeOf("a"), "github");
}

TEST_F(ManifestDirectoryTest, ABrokenFileKeepsNothingOfOthersInForce) {
  Write("a.yaml", ProviderYaml("a", "github"));
  Write("b.yaml", ProviderYaml("b", "github"));
  Create();
  Write("a.yaml", "spec: [");
  fs::remove(directory_ / "b.yaml");
  ASSERT_THAT(manifests_->Refresh(), IsOk());
  EXPECT_EQ(TypeOf("a"), "github");
  EXPECT_EQ(TypeOf("b"), "");
}

TEST_F(ManifestDirectoryTest, ANoteOfAnObjectKeepsNothingInForce) {
  Write("a.yaml", ProviderYaml("a", "github"));
  Create();
  Write("a.yaml", ProviderYaml("a", "slack"));  // noted, and passed over
  ASSERT_THAT(manifests_->Refresh(), IsOk());
  EXPECT_EQ(TypeOf("a"), "");
}

TEST_F(ManifestDirectoryTest, KeepsEverythingWhileTheDirectoryIsAway) {
  Write("a.yaml", ProviderYaml("a", "github"));
  Create();
  fs::remove_all(directory_);
  EXPECT_THAT(manifests_->Refresh(), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(manifests_->Current()->providers, SizeIs(1));
}

TEST_F(ManifestDirectoryTest, NoticesFilesThatChangeComeAndGo) {
  Write("a.yaml", ProviderYaml("a", "github"));
  Follow();
  Write("a.yaml", ProviderYaml("a", "gitea"));
  Until([this] { return TypeOf("a") == "gitea"; });
  std::ofstream(directory_ / "a.yaml") << ProviderYaml("a", "gitlab");
  Until([this] { return TypeOf("a") == "gitlab"; });
  Write("b.yaml", ProviderYaml("b", "github"));
  Until([this] { return TypeOf("b") == "github"; });
  fs::remove(directory_ / "a.yaml");
  Until([this] { return TypeOf("a").empty(); });
}

TEST_F(ManifestDirectoryTest, NoticesThatAMountedConfigMapIsSwapped) {
  // As the kubelet lays it out: names lead through ..data to the version.
  fs::create_directory(directory_ / "..v1");
  std::ofstream(directory_ / "..v1/a.yaml") << ProviderYaml("a", "github");
  fs::create_directory_symlink("..v1", directory_ / "..data");
  fs::create_symlink("..data/a.yaml", directory_ / "a.yaml");
  Follow();
  EXPECT_EQ(TypeOf("a"), "github");
  fs::create_directory(directory_ / "..v2");
  std::ofstream(directory_ / "..v2/a.yaml") << ProviderYaml("a", "gitlab");
  fs::create_directory_symlink("..v2", directory_ / "..data_tmp");
  fs::rename(directory_ / "..data_tmp", directory_ / "..data");
  fs::remove_all(directory_ / "..v1");
  Until([this] { return TypeOf("a") == "gitlab"; });
}

TEST_F(ManifestDirectoryTest, NoticesWhatHappensInNewDirectories) {
  Follow();
  fs::create_directories(directory_ / "team/deep");
  Write("team/deep/a.yaml", ProviderYaml("a", "github"));
  Until([this] { return TypeOf("a") == "github"; });
  Write("team/deep/a.yaml", ProviderYaml("a", "gitea"));
  Until([this] { return TypeOf("a") == "gitea"; });
  fs::remove_all(directory_ / "team");
  Until([this] { return TypeOf("a").empty(); });
}

TEST_F(ManifestDirectoryTest, NoticesThatTheDirectoryItselfIsReplaced) {
  Write("a.yaml", ProviderYaml("a", "github"));
  Follow();
  fs::create_directory(root_ / "next");
  WriteFile(root_ / "next/a.yaml", ProviderYaml("a", "gitlab"));
  fs::rename(directory_, root_ / "before");
  fs::rename(root_ / "next", directory_);
  Until([this] { return TypeOf("a") == "gitlab"; });
  Write("a.yaml", ProviderYaml("a", "gitea"));
  Until([this] { return TypeOf("a") == "gitea"; });

  fs::remove_all(directory_);
  fs::create_directory(directory_);
  Write("b.yaml", ProviderYaml("b", "github"));
  Until([this] { return TypeOf("b") == "github"; });
}

}  // namespace
}  // namespace lamplighter
