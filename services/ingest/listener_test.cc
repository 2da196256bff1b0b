// Ingest over TLS: what the configuration may say, and sources that prove
// themselves by a client certificate.

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/config/config_file.h"
#include "common/http/server_tls.h"
#include "common/http/testing/test_certificate.h"
#include "common/http/testing/tls_test_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/config.pb.h"
#include "services/ingest/listener_config.h"
#include "services/ingest/sources.h"
#include "services/ingest/testing/ingest_server_test.h"

namespace lamplighter::ingest {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kSpiffeId[] = "spiffe://example.org/flux";

std::string FileOf(const std::string& name, const std::string& content) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/", name);
  std::ofstream(path) << content;
  return path;
}

// Asks for client certificates. Those of Flux's source `default` and of `hub`
// must hold kSpiffeId.
class CertificateTest : public IngestServerTest {
 protected:
  void SetUp() override {
    const TestCertificate server = MakeTestCertificate();
    auto tls = ServerTls::Create(
        {.cert = FileOf("cert.pem", server.certificate_pem),
         .key = FileOf("key.pem", server.key_pem),
         .client_ca = FileOf("ca.pem", authority_.certificate_pem())});
    ASSERT_THAT(tls, IsOk());
    options_.http.tls = *std::move(tls);
    options_.http.header_timeout = absl::Seconds(10);  // also to shake hands
    IngestServerTest::SetUp();
  }
  void Change(Source& source) override {
    if (source.name == "default" || source.name == "hub") {
      source.certificate_name = kSpiffeId;
    }
  }

  std::string PostWith(const TestCertificate& certificate,
                       const std::string& path, const std::string& body,
                       const std::string& headers) {
    TlsTestClient client(service_->port(), {.certificate = certificate});
    return client.Post(path, body, headers);
  }
  TestCertificate Good() {
    return authority_.Issue("flux", absl::StrCat("URI:", kSpiffeId));
  }

  const TestAuthority authority_;
};

TEST_F(CertificateTest, IsProofEnoughForFlux) {
  EXPECT_THAT(PostWith(Good(), "/", kFlux, kJson), HasSubstr("202 Accepted"));
  EXPECT_THAT(PostWith(authority_.Issue(kSpiffeId), "/", kFlux, kJson),
              HasSubstr("202 Accepted"))
      << "as a common name";
}

TEST_F(CertificateTest, MustBeThereWhereTheSourceDemandsIt) {
  EXPECT_THAT(PostWith({}, "/", kFlux, kJson), HasSubstr("401 "));
  EXPECT_THAT(MetricsText(),
              HasSubstr("lamplighter_ingest_rejected_total{provider=\"flux\","
                        "reason=\"no_signature\"} 1\n"));
  EXPECT_THAT(Records(), IsEmpty());
}

TEST_F(CertificateTest, MustHoldTheName) {
  const TestCertificate other =
      authority_.Issue("flux", absl::StrCat("URI:", kSpiffeId, "/other"));
  EXPECT_THAT(PostWith(other, "/", kFlux, kJson),
              HasSubstr("the client certificate is not that of source"));
  EXPECT_THAT(MetricsText(),
              HasSubstr("lamplighter_ingest_rejected_total{provider=\"flux\","
                        "reason=\"signature\"} 1\n"));
}

TEST_F(CertificateTest, MustBeOfTheAuthority) {
  const TestCertificate forged =
      TestAuthority().Issue("flux", absl::StrCat("URI:", kSpiffeId));
  EXPECT_THAT(PostWith(forged, "/", kFlux, kJson), IsEmpty());
}

TEST_F(CertificateTest, IsNeverTakenFromAHeader) {
  EXPECT_THAT(
      PostWith({}, "/", kFlux,
               absl::StrCat(kJson, "X-Forwarded-Client-Cert: URI=", kSpiffeId,
                            "\r\nX-SSL-Client-S-DN: CN=", kSpiffeId, "\r\n")),
      HasSubstr("401 "));
}

TEST_F(CertificateTest, IsNeededBesideTheOtherProof) {
  const std::string path = absl::StrCat(kEvents, "github");
  const std::string headers =
      GitHubHeaders(absl::StrCat("sha256=", Sign(kPush)));
  EXPECT_THAT(PostWith(Good(), path, kPush, headers), HasSubstr("202 "));
  EXPECT_THAT(PostWith({}, path, kPush, headers), HasSubstr("401 "));
  EXPECT_THAT(PostWith(Good(), path, kPush, GitHubHeaders("sha256=0")),
              HasSubstr("401 "));
}

TEST_F(CertificateTest, IsNotNeededByOtherSources) {
  EXPECT_THAT(PostWith({}, absl::StrCat(kEvents, "azure-devops"), "{}",
                       BasicHeaders(kToken)),
              HasSubstr("202 "));
}

TEST_F(CertificateTest, IsLookedAtBeforeTheBodyIsRead) {
  TlsTestClient client(service_->port());
  client.Send(absl::StrCat("POST / HTTP/1.1\r\nHost: x\r\n", kJson,
                           "Content-Length: 1000\r\n\r\n"));
  EXPECT_THAT(client.Read(), HasSubstr("401 "));
}

// A configuration, and what its listener is.
struct Listener {
  explicit Listener(const std::string& yaml)
      : file(*ConfigFile::Parse(yaml, "test.yaml", config)),
        tls(ReadTls(config.ingest(), file)),
        proxies(ReadTrustedProxies(config.ingest(), file)) {}

  config::v1::Config config;
  ConfigFile file;
  absl::StatusOr<std::shared_ptr<ServerTls>> tls;
  absl::StatusOr<TrustedProxies> proxies;
};

TEST(ReadListener, IsPlainHttpAndTrustsNobodyByDefault) {
  const Listener listener("ingest: {listen: ':0'}");
  ASSERT_THAT(listener.tls, IsOk());
  EXPECT_EQ(*listener.tls, nullptr);
  ASSERT_THAT(listener.proxies, IsOk());
  EXPECT_TRUE(listener.proxies->empty());
}

TEST(ReadListener, ReadsTheCertificate) {
  const TestCertificate server = MakeTestCertificate();
  const Listener listener(absl::StrCat(
      "ingest: {tls: {cert_file: ", FileOf("own.pem", server.certificate_pem),
      ", key_file: ", FileOf("own.key", server.key_pem), "}}"));
  ASSERT_THAT(listener.tls, IsOk());
  EXPECT_NE(*listener.tls, nullptr);
}

TEST(ReadListener, NamesTheLineThatIsWrong) {
  const auto has = [](const char* text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_THAT(Listener("ingest:\n  tls: {key_file: x}").tls,
              has("test.yaml:2: ingest.tls.cert_file: must name a file"));
  EXPECT_THAT(Listener("ingest:\n  tls: {cert_file: x}").tls,
              has("test.yaml:2: ingest.tls.key_file: must name a file"));
  EXPECT_THAT(
      Listener("ingest:\n  tls: {cert_file: /no/c, key_file: /no/k}").tls,
      has("test.yaml:2: ingest.tls: /no/c: "));
  EXPECT_THAT(Listener("ingest:\n  trusted_proxies: [10.0.0.1/8]").proxies,
              has("test.yaml:2: ingest.trusted_proxies: 10.0.0.1/8: "));
  EXPECT_THAT(Listener("ingest:\n  proxy_protocol: true").proxies,
              has("test.yaml:2: ingest.proxy_protocol: needs "));
  std::string many = "ingest:\n  trusted_proxies: [";
  for (int i = 0; i < 101; ++i) absl::StrAppend(&many, "10.0.0.", i, ", ");
  EXPECT_THAT(Listener(many + "::1]").proxies, has("must be 100 at most"));
}

}  // namespace
}  // namespace lamplighter::ingest
