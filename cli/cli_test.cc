#include "cli/cli.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CliTest : public ::testing::Test {
 protected:
  CliTest() {
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  void Write(const std::string& type) {
    std::ofstream(fs::path(directory_) / "a.yaml")
        << "apiVersion: notification.toolkit.fluxcd.io/v1beta3\n"
           "kind: Provider\n"
           "metadata: {name: forge, namespace: apps}\n"
           "spec: {type: '" +
               type + "'}\n";
  }
  int RunWith(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "lamplighterctl");
    out_.str("");
    err_.str("");
    return RunCli(static_cast<int>(arguments.size()), arguments.data(), out_,
                  err_);
  }

  const std::string directory_ = fs::path(std::getenv("TEST_TMPDIR")) / "cli";
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CliTest, SaysWhatIsWrongWithManifests) {
  Write("");
  EXPECT_EQ(RunWith({"config", "check", directory_.c_str()}), 1);
  EXPECT_EQ(out_.str(), directory_ +
                            "/a.yaml:4: Provider apps/forge: spec.type: must "
                            "not be empty\n");
  EXPECT_EQ(err_.str(), directory_ + ": 1 problem\n");
}

TEST_F(CliTest, IsContentWithNotes) {
  Write("slack");
  EXPECT_EQ(RunWith({"config", "check", directory_.c_str()}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("/a.yaml:4: note: Provider apps/forge: "));
  Write("github");
  EXPECT_EQ(RunWith({"config", "check", directory_.c_str()}), 0);
  EXPECT_THAT(out_.str(), IsEmpty());
  EXPECT_EQ(err_.str(), directory_ + ": ok\n");
}

TEST_F(CliTest, FailsWhereThereIsNothingToCheck) {
  EXPECT_EQ(RunWith({"config", "check", "/no/such"}), 1);
  EXPECT_THAT(err_.str(), HasSubstr("/no/such"));
}

TEST_F(CliTest, TellsMisuseFromFindings) {
  for (const auto& arguments :
       std::vector<std::vector<const char*>>{{},
                                             {"config"},
                                             {"config", "check"},
                                             {"config", "check", "a", "b"},
                                             {"config", "chekc", "a"},
                                             {"--no-such"}}) {
    EXPECT_EQ(RunWith(arguments), 2);
    EXPECT_THAT(out_.str(), IsEmpty());
    EXPECT_THAT(err_.str(), HasSubstr("--help"));
  }
}

TEST_F(CliTest, PrintsHelpAndVersionAsData) {
  EXPECT_EQ(RunWith({"--version"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("lamplighterctl "));
  EXPECT_EQ(RunWith({"config", "check", "--help"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("DIR"));
  EXPECT_THAT(err_.str(), IsEmpty());
}

}  // namespace
}  // namespace lamplighter::cli
