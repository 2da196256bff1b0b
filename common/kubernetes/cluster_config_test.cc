#include "common/kubernetes/cluster_config.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/kubernetes/credentials.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

namespace fs = std::filesystem;
using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ClusterConfigTest : public ::testing::Test {
 protected:
  ClusterConfigTest() {
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  std::string Write(const std::string& name, const std::string& text) {
    // A new file in the old one's place, as the kubelet does it.
    std::ofstream(directory_ / ("." + name)) << text;
    fs::rename(directory_ / ("." + name), directory_ / name);
    return directory_ / name;
  }
  // A kubeconfig with these fields of its cluster and its user.
  absl::StatusOr<ClusterConfig> Load(const std::string& cluster,
                                     const std::string& user,
                                     bool allow_insecure = false) {
    const std::string path = Write(
        "config",
        absl::StrCat("apiVersion: v1\nkind: Config\ncurrent-context: here\n"
                     "contexts:\n"
                     "  - {name: here, context: {cluster: c, user: u}}\n"
                     "  - {name: there, context: {cluster: x, user: u}}\n"
                     "clusters: [{name: c, cluster: {",
                     cluster, "}}]\nusers: [{name: u, user: {", user, "}}]\n"));
    return LoadKubeconfig(
        {.path = path, .context = context_, .allow_insecure = allow_insecure});
  }

  const fs::path directory_ =
      fs::path(std::getenv("TEST_TMPDIR")) / "cluster_config";
  std::string context_;
};

constexpr char kServer[] = "server: 'https://10.0.0.1:6443/'";

TEST_F(ClusterConfigTest, ReadsDataAndFiles) {
  const auto config =
      Load(absl::StrCat(kServer, ", certificate-authority: pki/ca.crt"),
           absl::StrCat("client-certificate-data: ", absl::Base64Escape("CERT"),
                        ", client-key: /etc/key, token: t"));
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->server, "https://10.0.0.1:6443");
  EXPECT_EQ(config->ca.file, directory_ / "pki/ca.crt");
  EXPECT_EQ(config->client_cert.text, "CERT");
  EXPECT_EQ(config->client_key.file, "/etc/key");
  EXPECT_EQ(config->token.text, "t");
  EXPECT_FALSE(config->skip_verification);
}

TEST_F(ClusterConfigTest, RefusesToTrustEverybodyUnlessToldTo) {
  const std::string insecure =
      absl::StrCat(kServer, ", insecure-skip-tls-verify: true");
  EXPECT_THAT(
      Load(insecure, "token: hunter2"),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("cluster c: insecure-skip-tls-verify"),
                     HasSubstr("allow_insecure"), Not(HasSubstr("hunter2")))));
  EXPECT_TRUE(Load(insecure, "token: t", true)->skip_verification);

  EXPECT_THAT(Load("server: 'http://10.0.0.1'", "token: t"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("without TLS")));
  EXPECT_THAT(Load("server: 'http://127.0.0.1.evil.example'", "token: t"),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Load("server: 'http://127.0.0.1:8001'", "token: t"), IsOk());
}

TEST_F(ClusterConfigTest, SaysWhatItCannotDo) {
  EXPECT_THAT(Load(kServer, "exec: {command: aws}"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("user u: exec: plugins are not run")));
  EXPECT_THAT(
      Load(kServer, "username: a, password: hunter2"),
      StatusIs(StatusCode::kInvalidArgument,
               AllOf(HasSubstr("passwords"), Not(HasSubstr("hunter2")))));
  EXPECT_THAT(Load(kServer, "client-certificate-data: '!'"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("base64")));
  EXPECT_THAT(Load(kServer, "client-key: /k"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("client-certificate and client-key")));
  EXPECT_THAT(
      Load("server: nowhere", "token: t"),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("server: must")));
  context_ = "there";
  EXPECT_THAT(Load(kServer, "token: t"),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("clusters: there is none of name \"x\"")));
  EXPECT_THAT(LoadKubeconfig({.path = Write("bad", "a: ["), .context = ""}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("not YAML")));
  EXPECT_THAT(LoadKubeconfig({.path = "/no/such", .context = ""}),
              StatusIs(StatusCode::kNotFound, HasSubstr("/no/such")));
}

TEST_F(ClusterConfigTest, FindsTheServiceAccountOfThePod) {
  unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_THAT(InClusterConfig(), StatusIs(StatusCode::kFailedPrecondition,
                                          HasSubstr("kubeconfig")));
  setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  const auto config = InClusterConfig(directory_);
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->server, "https://[fd00::1]:443");
  EXPECT_EQ(config->token.file, directory_ / "token");
}

TEST_F(ClusterConfigTest, ReadsATokenAgainWhenItIsRotated) {
  ClusterConfig config;
  config.token.file = directory_ / "token";
  config.ca.file = Write("ca.crt", "CA 1\n");
  EXPECT_THAT(ClusterCredentials::Create(config),
              StatusIs(StatusCode::kNotFound, HasSubstr("token")));
  Write("token", "one\n");
  auto credentials = ClusterCredentials::Create(config).value();
  EXPECT_EQ(credentials.token(), "one");
  const auto transport = credentials.transport();
  EXPECT_EQ(transport->ca_pem, "CA 1");

  Write("token", "two");
  credentials.Refresh();
  EXPECT_EQ(credentials.token(), "two");
  EXPECT_EQ(credentials.transport(), transport) << "connections are kept";

  Write("ca.crt", "CA 2");
  fs::remove(config.token.file);
  credentials.Refresh();
  EXPECT_EQ(credentials.token(), "two") << "what cannot be read stays";
  EXPECT_EQ(credentials.transport()->ca_pem, "CA 2");
}

}  // namespace
}  // namespace lamplighter
