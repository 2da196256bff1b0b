#include "services/ingest/source_config.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/config/config_file.h"
#include "common/status/macros.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/config.pb.h"
#include "services/ingest/sources.h"

namespace lamplighter::ingest {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

std::string SecretFile(const std::string& name, const std::string& secret) {
  const std::string path = absl::StrCat(std::getenv("TEST_TMPDIR"), "/", name);
  std::ofstream(path) << secret;
  return path;
}

absl::StatusOr<std::vector<Source>> Read(const std::string& sources) {
  config::v1::Config config;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const ConfigFile file,
      ConfigFile::Parse(absl::StrCat("ingest:\n  sources:\n", sources),
                        "test.yaml", config));
  return ReadSources(config.ingest(), file);
}

TEST(ReadSources, ReadsEachKindOfProof) {
  const std::string secret = SecretFile("secret", "0123456789abcdef\n");
  const auto sources = Read(absl::StrCat(
      "  - {name: a, type: flux}\n",                                   //
      "  - {name: b, type: flux, hmac_secret_file: ", secret, "}\n",   //
      "  - {name: c, type: flux, bearer_token_file: ", secret, "}\n",  //
      "  - {name: d, type: flux, path_token_file: ", secret, "}\n",    //
      "  - {name: e, type: github, secret_files: [", secret, ", ",     //
      secret, "]}\n"));
  ASSERT_THAT(sources, IsOk());
  ASSERT_THAT(*sources, SizeIs(5));
  EXPECT_EQ((*sources)[0].proof_by, Source::ProofBy::kNothing);
  EXPECT_EQ((*sources)[1].proof_by, Source::ProofBy::kSignature);
  EXPECT_THAT((*sources)[1].secrets, SizeIs(1));
  EXPECT_EQ((*sources)[2].proof_by, Source::ProofBy::kBearer);
  EXPECT_EQ((*sources)[2].token, "0123456789abcdef");
  EXPECT_EQ((*sources)[3].proof_by, Source::ProofBy::kPathToken);
  EXPECT_EQ((*sources)[4].type, SourceType::kGitHub);
  EXPECT_THAT((*sources)[4].secrets, SizeIs(2));
}

TEST(ReadSources, NamesTheLineOfEveryMistakeAtOnce) {
  EXPECT_THAT(
      Read("  - {name: Bad_Name, type: flux}\n"
           "  - {name: x, type: gitlab}\n"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("test.yaml:3: ingest.sources[0].name"),
                     HasSubstr("test.yaml:4: ingest.sources[1].type"))));
}

TEST(ReadSources, RefusesANameThatIsTaken) {
  EXPECT_THAT(Read("  - {name: x, type: flux}\n"
                   "  - {name: x, type: flux}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("test.yaml:4: ingest.sources[1].name: another "
                                 "source has this name")));
}

TEST(ReadSources, RefusesASecondProof) {
  EXPECT_THAT(
      Read(
          "  - {name: x, type: flux, hmac_secret_env: A, path_token_env: B}\n"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("ingest.sources[0].path_token_env: a source has one "
                         "proof")));
}

TEST(ReadSources, RefusesAWebhookWithoutASecret) {
  EXPECT_THAT(Read("  - {name: x, type: gitea}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a webhook needs a secret")));
}

TEST(ReadSources, RefusesProofsThatAreOfAnotherType) {
  EXPECT_THAT(Read("  - {name: x, type: flux, secret_envs: [A]}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("secret_envs[0]: is not for type flux")));
  EXPECT_THAT(Read("  - {name: x, type: github, bearer_token_env: A}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("bearer_token_env: is not for type github")));
}

TEST(ReadSources, RefusesASecretThatCannotBeRead) {
  EXPECT_THAT(
      Read("  - {name: x, type: github, secret_files: [/nowhere/at/all]}\n"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("test.yaml:3: ingest.sources[0].secret_files[0]")));
}

TEST(ReadSources, RefusesPathTokensThatCanBeGuessedWithoutShowingThem) {
  const std::string file = SecretFile("short", "hunter2");
  EXPECT_THAT(
      Read(absl::StrCat("  - {name: x, type: flux, path_token_file: ", file,
                        "}\n")),
      StatusIs(absl::StatusCode::kInvalidArgument,
               AllOf(HasSubstr("16 or more"), Not(HasSubstr("hunter2")))));
}

}  // namespace
}  // namespace lamplighter::ingest
