#include "services/ingest/source_config.h"

#include <cmath>
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

std::string SecretFile(const std::string& name, const std::string& secret) {
  const std::string path = absl::StrCat(std::getenv("TEST_TMPDIR"), "/", name);
  std::ofstream(path) << secret;
  return path;
}

absl::StatusOr<std::vector<Source>> ReadIngest(const std::string& ingest) {
  config::v1::Config config;
  LAMPLIGHTER_ASSIGN_OR_RETURN(
      const ConfigFile file,
      ConfigFile::Parse(absl::StrCat("ingest:\n", ingest), "test.yaml",
                        config));
  return ReadSources(config.ingest(), file);
}

absl::StatusOr<std::vector<Source>> Read(const std::string& sources) {
  return ReadIngest(absl::StrCat("  sources:\n", sources));
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
  EXPECT_THAT((*sources)[2].tokens, ElementsAre("0123456789abcdef"));
  EXPECT_EQ((*sources)[3].proof_by, Source::ProofBy::kPathToken);
  EXPECT_EQ((*sources)[4].type, SourceType::kGitHub);
  EXPECT_THAT((*sources)[4].secrets, SizeIs(2));
}

TEST(ReadSources, NamesTheLineOfEveryMistakeAtOnce) {
  EXPECT_THAT(
      Read("  - {name: Bad_Name, type: flux}\n"
           "  - {name: x, type: svn}\n"),
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
                         "proof of its own")));
}

TEST(ReadSources, RefusesAWebhookWithoutASecret) {
  EXPECT_THAT(Read("  - {name: x, type: gitea}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("a webhook needs a secret")));
}

TEST(ReadSources, RefusesProofsThatAreOfAnotherType) {
  EXPECT_THAT(Read("  - {name: x, type: flux, basic_auth_env: A}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("basic_auth_env: is not for type flux")));
  EXPECT_THAT(Read("  - {name: x, type: github, bearer_token_env: A}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("bearer_token_env: is not for type github")));
}

TEST(ReadSources, TakesFurtherSecretsOfTheSameProof) {
  const std::string fresh = SecretFile("fresh", "fresh-secret-0123");
  const std::string old = SecretFile("old", "old-secret-012345");
  const auto sources =
      Read(absl::StrCat("  - {name: a, type: flux, hmac_secret_file: ", fresh,
                        ", secret_files: [", old, "]}\n",
                        "  - {name: b, type: flux, bearer_token_file: ", fresh,
                        ", secret_files: [", old, "]}\n",
                        "  - {name: c, type: flux, path_token_file: ", fresh,
                        ", secret_files: [", old, "]}\n"));
  ASSERT_THAT(sources, IsOk());
  EXPECT_THAT((*sources)[0].secrets, SizeIs(2));
  EXPECT_THAT((*sources)[1].tokens,
              ElementsAre("fresh-secret-0123", "old-secret-012345"));
  EXPECT_EQ((*sources)[2].proof_by, Source::ProofBy::kPathToken);
  EXPECT_THAT((*sources)[2].tokens, SizeIs(2));
}

TEST(ReadSources, RefusesFurtherSecretsWhereFluxSaysNoProof) {
  EXPECT_THAT(Read("  - {name: x, type: flux, secret_envs: [A]}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("secret_envs[0]: are further secrets: say "
                                 "what they prove")));
}

TEST(ReadSources, TellsGitLabsSigningTokensFromItsSecretTokens) {
  const auto sources =
      Read(absl::StrCat("  - {name: lab, type: gitlab, secret_files: [",
                        SecretFile("signing", "whsec_bGFtcGxpZ2h0ZXI="), ", ",
                        SecretFile("secret", "bGFtcGxpZ2h0ZXI="), "]}\n"));
  ASSERT_THAT(sources, IsOk());
  EXPECT_EQ((*sources)[0].proof_by, Source::ProofBy::kGitLab);
  EXPECT_THAT((*sources)[0].secrets, SizeIs(1));
  EXPECT_THAT((*sources)[0].tokens, ElementsAre("bGFtcGxpZ2h0ZXI="));
}

TEST(ReadSources, RefusesASigningTokenThatIsNone) {
  for (const char* token : {"whsec_", "whsec_not base 64!"}) {
    EXPECT_THAT(Read(absl::StrCat("  - {name: x, type: gitlab, secret_files: [",
                                  SecretFile("signing", token), "]}\n")),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("must be Base64 after whsec_")));
  }
}

TEST(ReadSources, ReadsUsersAndPasswordsOfAzureDevOps) {
  const auto sources = Read(
      absl::StrCat("  - {name: azure, type: azure-devops, basic_auth_file: ",
                   SecretFile("basic", "ada:s3cret"), ", secret_files: [",
                   SecretFile("before", "ada:old"), "]}\n"));
  ASSERT_THAT(sources, IsOk());
  EXPECT_EQ((*sources)[0].proof_by, Source::ProofBy::kBasic);
  EXPECT_THAT((*sources)[0].tokens, ElementsAre("ada:s3cret", "ada:old"));
  for (const char* bad : {"s3cret", ":s3cret", "ada:"}) {
    EXPECT_THAT(
        Read(absl::StrCat("  - {name: x, type: azure-devops, secret_files: [",
                          SecretFile("bad", bad), "]}\n")),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr("must be user:password")));
  }
}

TEST(ReadSources, ReadsWhereAForgeIs) {
  const std::string secret = SecretFile("where", "secret:x");
  const auto instance = [&secret](const std::string& type,
                                  const std::string& address) {
    const auto sources =
        Read(absl::StrCat("  - {name: x, type: ", type, ", address: \"",
                          address, "\", secret_files: [", secret, "]}\n"));
    return sources.ok() ? (*sources)[0].instance
                        : std::string(sources.status().message());
  };
  EXPECT_EQ(instance("bitbucketserver", "https://DC.example:8443/Ctx/"),
            "dc.example:8443/ctx");
  EXPECT_EQ(instance("gitlab", "https://lab.example"), "lab.example");
  EXPECT_EQ(instance("forgejo", "https://jo.example/git"), "jo.example/git");
  EXPECT_EQ(instance("azure-devops", "https://dev.azure.com/Lamp"),
            "dev.azure.com/lamp");
  EXPECT_THAT(instance("gitlab", "lab.example"),
              HasSubstr("sources[0].address: git address: the scheme"));
  EXPECT_THAT(Read("  - {name: x, type: flux, address: \"https://a\"}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("address: is not for type flux")));
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

TEST(ReadSources, TakesFluxWithoutProofWhereNoneIsConfigured) {
  const auto sources =
      ReadIngest("  limits: {requests_per_second: 5, burst: 7}\n");
  ASSERT_THAT(sources, IsOk());
  ASSERT_THAT(*sources, SizeIs(1));
  EXPECT_EQ((*sources)[0].name, "default");
  EXPECT_EQ((*sources)[0].proof_by, Source::ProofBy::kNothing);
  EXPECT_EQ((*sources)[0].limits.burst, 7);
}

TEST(ReadSources, HasTheDocumentedLimits) {
  const auto sources = Read("  - {name: a, type: flux}\n");
  ASSERT_THAT(sources, IsOk());
  const SourceLimits& limits = (*sources)[0].limits;
  EXPECT_TRUE(std::isinf(limits.requests_per_second));
  EXPECT_EQ(limits.max_concurrent, 256u);
  EXPECT_GE(limits.max_body, 25u << 20);
}

TEST(ReadSources, PutsASourcesOwnLimitsOverThoseOfAll) {
  const auto sources = ReadIngest(
      "  max_body: 2MiB\n"
      "  limits: {requests_per_second: 5, max_concurrent: 9, max_body: 1MiB}\n"
      "  sources:\n"
      "  - {name: a, type: flux}\n"
      "  - {name: b, type: flux, limits: {requests_per_second: 0.01}}\n"
      "  - {name: c, type: flux, limits: {burst: 3, max_body: 2MiB}}\n");
  ASSERT_THAT(sources, IsOk());
  const SourceLimits& a = (*sources)[0].limits;
  EXPECT_EQ(a.requests_per_second, 5);
  EXPECT_EQ(a.burst, 50) << "of ten seconds";
  EXPECT_EQ(a.max_concurrent, 9u);
  EXPECT_EQ(a.max_body, 1u << 20);
  const SourceLimits& b = (*sources)[1].limits;
  EXPECT_EQ(b.requests_per_second, 0.01);
  EXPECT_EQ(b.burst, 1) << "at least";
  EXPECT_EQ(b.max_concurrent, 9u);
  const SourceLimits& c = (*sources)[2].limits;
  EXPECT_EQ(c.requests_per_second, 5);
  EXPECT_EQ(c.burst, 3);
  EXPECT_EQ(c.max_body, 2u << 20);
}

TEST(ReadSources, RefusesLimitsThatMeanNothing) {
  const auto refuses = [](const std::string& limits, const char* problem) {
    EXPECT_THAT(
        Read(absl::StrCat("  - {name: a, type: flux, limits: {", limits,
                          "}}\n")),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 HasSubstr(absl::StrCat(
                     "test.yaml:3: ingest.sources[0].limits.", problem))));
  };
  refuses("requests_per_second: -1", "requests_per_second: must be from 0");
  refuses("requests_per_second: 1000001", "requests_per_second: must be from");
  refuses("burst: 3", "burst: needs requests_per_second");
  refuses("max_body: 26MiB", "max_body: is more than ingest.max_body");
  EXPECT_THAT(ReadIngest("  limits: {burst: 3}\n"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("test.yaml:2: ingest.limits.burst")));
}

TEST(ReadSources, WantsAnAuthorityForCertificates) {
  const std::string sources =
      "  sources:\n  - {name: a, type: flux, certificate_name: flux.example}\n";
  const auto read =
      ReadIngest(absl::StrCat("  tls: {client_ca_file: x}\n", sources));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ((*read)[0].certificate_name, "flux.example");
  EXPECT_THAT(ReadIngest(sources),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("test.yaml:3: ingest.sources[0]."
                                 "certificate_name: needs ingest.tls")));
}

}  // namespace
}  // namespace lamplighter::ingest
