#include "common/grpc/server_config.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/config/config_file.h"
#include "common/http/testing/test_certificate.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/grpc.pb.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr absl::string_view kScopes[] = {"statuses:write", "statuses:read"};

class ServerConfigTest : public ::testing::Test {
 protected:
  ServerConfigTest() {
    const TestCertificate certificate = MakeTestCertificate();
    cert_ = Write("cert", certificate.certificate_pem);
    key_ = Write("key", certificate.key_pem);
    other_key_ = Write("other-key", MakeTestCertificate().key_pem);
    token_ = Write("token", "0123456789abcdef");
  }

  static std::string Write(const std::string& name, const std::string& text) {
    const std::string path =
        absl::StrCat(std::getenv("TEST_TMPDIR"), "/server-config-", name);
    std::ofstream(path) << text;
    return path;
  }

  static absl::StatusOr<ServerConfig> Read(const std::string& yaml) {
    config::v1::GrpcServer config;
    const auto file = ConfigFile::Parse(yaml, "lamplighter.yaml", config);
    if (!file.ok()) return file.status();
    return ReadServerConfig(config, *file, "server", kScopes);
  }

  std::string Tls(const std::string& more = "") const {
    return absl::StrCat("tls: {cert_file: ", cert_, ", key_file: ", key_, more,
                        "}\n");
  }
  std::string Client(const std::string& more = "") const {
    return absl::StrCat("clients: [{name: ci, scopes: [statuses:write], ",
                        "token_files: [", token_, "]", more, "}]\n");
  }

  std::string cert_;
  std::string key_;
  std::string other_key_;
  std::string token_;
};

TEST_F(ServerConfigTest, ReadsAServerAndItsClients) {
  const auto read =
      Read(absl::StrCat("listen: 0.0.0.0:50053\n", Tls(), Client()));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->server.listen, "0.0.0.0:50053");
  EXPECT_EQ(read->server.tls->cert_file, cert_);
  ASSERT_THAT(read->clients.clients, SizeIs(1));
  EXPECT_EQ(read->clients.clients[0].name, "ci");
  EXPECT_THAT(read->clients.clients[0].scopes, ElementsAre("statuses:write"));
}

TEST_F(ServerConfigTest, NeedsNothingOnLoopback) {
  const auto read = Read("listen: 127.0.0.1:50053\n");
  ASSERT_THAT(read, IsOk());
  EXPECT_THAT(read->clients.clients, SizeIs(0));
}

TEST_F(ServerConfigTest, NeedsClientsAndTlsBeyondLoopback) {
  EXPECT_THAT(Read(absl::StrCat("listen: 0.0.0.0:50053\n", Tls())),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("lamplighter.yaml:"),
                             HasSubstr("clients: must name who may call"))));
  EXPECT_THAT(
      Read(absl::StrCat("listen: 0.0.0.0:50053\n", Client())),
      StatusIs(StatusCode::kInvalidArgument, HasSubstr("tls: must be set")));
  EXPECT_THAT(Read(absl::StrCat("listen: 0.0.0.0:50053\n",
                                "allow_plaintext: true\n", Client())),
              IsOk());
}

TEST_F(ServerConfigTest, SaysWhatOfAClientIsWrong) {
  const auto read = [](const std::string& client) {
    return Read(
        absl::StrCat("listen: 127.0.0.1:50053\nclients:\n- {", client, "}\n"));
  };
  const auto wrong = [](const char* what) {
    return StatusIs(StatusCode::kInvalidArgument,
                    AllOf(HasSubstr("server.clients[0]"), HasSubstr(what)));
  };
  const std::string token = absl::StrCat("token_files: [", token_, "]");
  EXPECT_THAT(read("scopes: ['*'], " + token),
              wrong("name: must not be empty"));
  EXPECT_THAT(read("name: ci, " + token), wrong("scopes: must name"));
  EXPECT_THAT(read("name: ci, scopes: [status:write], " + token),
              wrong("scopes[0]: must be one of statuses:write"));
  EXPECT_THAT(read("name: ci, scopes: ['*']"), wrong("needs one proof"));
  EXPECT_THAT(read("name: ci, scopes: ['*'], certificate_name: ci, " + token),
              wrong("needs one proof"));
  EXPECT_THAT(read("name: ci, scopes: ['*'], certificate_name: ci"),
              wrong("needs server.tls.client_ca_file"));
  EXPECT_THAT(read("name: ci, scopes: ['*'], token_files: [/no/such]"),
              wrong("token_files[0]: /no/such"));
  EXPECT_THAT(read("name: ci, scopes: ['*'], token_envs: [NO_SUCH_TOKEN]"),
              wrong("token_envs[0]"));
}

TEST_F(ServerConfigTest, RefusesTwoClientsOfOneName) {
  EXPECT_THAT(
      Read(absl::StrCat("listen: 127.0.0.1:50053\nclients:\n",
                        "- {name: ci, scopes: ['*'], token_files: [", token_,
                        "]}\n- {name: ci, scopes: ['*'], token_files: [",
                        token_, "]}\n")),
      StatusIs(StatusCode::kInvalidArgument,
               HasSubstr("server.clients[1].name")));
}

TEST_F(ServerConfigTest, LooksIntoTheFilesOfTls) {
  const auto read = [](const std::string& cert, const std::string& key,
                       const std::string& ca) {
    return Read(absl::StrCat("listen: 127.0.0.1:50053\ntls: {cert_file: '",
                             cert, "', key_file: '", key,
                             "', client_ca_file: '", ca, "'}\n"));
  };
  EXPECT_THAT(read(cert_, key_, cert_), IsOk());
  const auto wrong = [](const std::string& what) {
    return StatusIs(StatusCode::kInvalidArgument, HasSubstr(what));
  };
  EXPECT_THAT(read(cert_, "", ""), wrong("needs cert_file and key_file"));
  EXPECT_THAT(read("/no/such", key_, ""), wrong("/no/such: holds no cert"));
  EXPECT_THAT(read(cert_, other_key_, ""),
              wrong(absl::StrCat("belongs to ", cert_)));
  EXPECT_THAT(read(cert_, key_, token_), wrong(token_));
}

}  // namespace
}  // namespace lamplighter
