// The server over TLS, with real certificates.

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/http/http_server.h"
#include "common/http/server_tls.h"
#include "common/http/testing/server_fixture.h"
#include "common/http/testing/test_certificate.h"
#include "common/http/testing/test_client.h"
#include "common/http/testing/tls_test_client.h"
#include "common/http/trusted_proxies.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include <openssl/ssl.h>

namespace lamplighter {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Replaced as Kubernetes and cert-manager do it, so that it is another file.
void Write(const std::string& path, const std::string& content) {
  std::ofstream(path + ".new") << content;
  std::rename((path + ".new").c_str(), path.c_str());
}

std::string FileOf(const std::string& name) {
  return absl::StrCat(::testing::TempDir(), "/", name);
}

class HttpServerTlsTest : public ServerFixture {
 protected:
  HttpServerTlsTest() { Use(MakeTestCertificate("first")); }

  void Use(const TestCertificate& certificate) {
    Write(files_.cert, certificate.certificate_pem);
    Write(files_.key, certificate.key_pem);
  }
  void AskForCertificates() {
    files_.client_ca = FileOf("ca.pem");
    Write(files_.client_ca, authority_.certificate_pem());
  }
  void StartTlsServer() {
    auto tls = ServerTls::Create(files_, clock_);
    ASSERT_THAT(tls, IsOk());
    options_.tls = *std::move(tls);
    StartServer();
  }
  // After which the server looks at its files.
  void LetTimePass() { clock_.Advance(absl::Seconds(1)); }

  std::string WhoWith(const TestCertificate& certificate) {
    TlsTestClient client(port(), {.certificate = certificate});
    return client.Get("/who");
  }

  FakeClock clock_;
  const TestAuthority authority_;
  ServerTls::Files files_{
      .cert = FileOf("cert.pem"), .key = FileOf("key.pem"), .client_ca = ""};
};

TEST_F(HttpServerTlsTest, AnswersManyRequestsOnOneConnection) {
  StartTlsServer();
  TlsTestClient client(port());
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.ServerName(), "first");
  EXPECT_THAT(client.Post("/echo", "one"), HasSubstr("\r\n\r\none"));
  const std::string large(3 << 20, 'x');
  EXPECT_THAT(client.Post("/echo", large), HasSubstr(large));
  EXPECT_GT(client.Get("/huge").size(), 32u << 20);
  EXPECT_THAT(client.Get("/who"), HasSubstr("\r\n\r\n127.0.0.1 "));
}

TEST_F(HttpServerTlsTest, SpeaksTls12And13AndNothingOlder) {
  StartTlsServer();
  EXPECT_TRUE(
      TlsTestClient(port(), {.max_version = TLS1_3_VERSION}).connected());
  EXPECT_TRUE(
      TlsTestClient(port(), {.max_version = TLS1_2_VERSION}).connected());
  EXPECT_FALSE(
      TlsTestClient(port(), {.max_version = TLS1_1_VERSION}).connected());
}

TEST_F(HttpServerTlsTest, AgreesOnHttp11Alone) {
  StartTlsServer();
  EXPECT_EQ(
      TlsTestClient(port(), {.protocols = "\x02h2\x08http/1.1"}).Protocol(),
      "http/1.1");
  EXPECT_FALSE(TlsTestClient(port(), {.protocols = "\x02h2"}).connected());
}

TEST_F(HttpServerTlsTest, EndsConnectionsSoThatNothingCanBeCutOff) {
  StartTlsServer();
  TlsTestClient client(port());
  EXPECT_THAT(client.Get("/who", "Connection: close\r\n"), HasSubstr("200 OK"));
  EXPECT_THAT(client.Read(), IsEmpty());
  EXPECT_TRUE(client.ended_well());
}

TEST_F(HttpServerTlsTest, LetsAClientThatIsStillSendingSeeItsRefusal) {
  options_.max_body = 100;
  StartTlsServer();
  TlsTestClient client(port());
  EXPECT_THAT(client.Post("/echo", std::string(200 << 10, 'x')),
              HasSubstr("413 "));
}

TEST_F(HttpServerTlsTest, TellsSlowClientsSo) {
  options_.header_timeout = absl::Milliseconds(500);  // also to shake hands
  StartTlsServer();
  TlsTestClient client(port());
  ASSERT_TRUE(client.Send("POST /echo HT"));
  EXPECT_THAT(client.Read(), HasSubstr("408 "));
}

TEST_F(HttpServerTlsTest, ServesTheNewCertificateOnceTheFilesHaveChanged) {
  StartTlsServer();
  TlsTestClient old(port());
  Use(MakeTestCertificate("second"));
  LetTimePass();
  EXPECT_EQ(TlsTestClient(port()).ServerName(), "second");
  EXPECT_THAT(old.Post("/echo", "still here"), HasSubstr("still here"));
}

TEST_F(HttpServerTlsTest, KeepsTheCertificateWhileTheNewOneCannotBeUsed) {
  StartTlsServer();
  Write(files_.cert, "-----BEGIN CERTIFICATE-----\nnothing\n");
  LetTimePass();
  EXPECT_EQ(TlsTestClient(port()).ServerName(), "first");
  // Half of a change: the key is not this certificate's.
  const TestCertificate second = MakeTestCertificate("second");
  Write(files_.cert, second.certificate_pem);
  LetTimePass();
  EXPECT_EQ(TlsTestClient(port()).ServerName(), "first");
  Write(files_.key, second.key_pem);
  LetTimePass();
  EXPECT_EQ(TlsTestClient(port()).ServerName(), "second");
  std::remove(files_.cert.c_str());
  LetTimePass();
  EXPECT_EQ(TlsTestClient(port()).ServerName(), "second");
}

TEST_F(HttpServerTlsTest, TellsHandlersWhoShowedACertificate) {
  AskForCertificates();
  StartTlsServer();
  EXPECT_THAT(
      WhoWith(authority_.Issue("a common name",
                               "DNS:a.example,URI:spiffe://x/y,IP:1.2.3.4")),
      HasSubstr("127.0.0.1 a.example,spiffe://x/y,a common name"));
  TlsTestClient nobody(port());
  EXPECT_THAT(nobody.Get("/who"), HasSubstr("\r\n\r\n127.0.0.1 "))
      << "a certificate is asked for, not demanded";
}

TEST_F(HttpServerTlsTest, DropsClientsWhoseCertificateIsOfAnotherAuthority) {
  AskForCertificates();
  StartTlsServer();
  EXPECT_THAT(WhoWith(TestAuthority().Issue("a")), IsEmpty());
  EXPECT_THAT(WhoWith(MakeTestCertificate("a")), IsEmpty());
}

TEST_F(HttpServerTlsTest, TakesANewAuthorityOnceItsFileHasChanged) {
  AskForCertificates();
  StartTlsServer();
  const TestAuthority other;
  Write(files_.client_ca, other.certificate_pem());
  LetTimePass();
  EXPECT_THAT(WhoWith(other.Issue("new")), HasSubstr(" new"));
  EXPECT_THAT(WhoWith(authority_.Issue("old")), IsEmpty());
}

// Else a certificate would be good beyond its end, or its authority's.
TEST_F(HttpServerTlsTest, ResumesSessionsOnlyWhereNoCertificateIsAskedFor) {
  StartTlsServer();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsTestClient client(port(), {.max_version = version});
    client.Get("/who");
    EXPECT_TRUE(client.Resumable()) << version;
  }
  AskForCertificates();
  loop_.Do([this] { server_.reset(); });
  StartTlsServer();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsTestClient client(
        port(), {.max_version = version, .certificate = authority_.Issue("a")});
    client.Get("/who");
    EXPECT_FALSE(client.Resumable()) << version;
  }
}

TEST_F(HttpServerTlsTest, ClosesWhoDoesNotShakeHands) {
  options_.header_timeout = absl::Milliseconds(20);
  StartTlsServer();
  TestClient silent(port());
  EXPECT_TRUE(silent.Closed());
  TestClient slow(port());
  slow.Send("\x16\x03\x01");
  EXPECT_TRUE(slow.Closed());
}

TEST_F(HttpServerTlsTest, DropsWhoSpeaksInClear) {
  StartTlsServer();
  TestClient client(port());
  client.Send("GET /who HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_FALSE(client.Read());
}

TEST_F(HttpServerTlsTest, LetsHandshakesBeyondTheLimitWait) {
  options_.max_handshakes = 1;
  StartTlsServer();
  // Silent ones take no place.
  const TestClient silent(port());
  {
    TlsTestClient client(port());
    EXPECT_TRUE(client.connected());
  }
  auto slow = std::make_unique<TestClient>(port());
  slow->Send("\x16\x03\x01");
  std::thread client([this] {
    TlsTestClient waiting(port());
    EXPECT_TRUE(waiting.connected());
  });
  slow.reset();
  client.join();
}

TEST_F(HttpServerTlsTest, DropsHandshakesThatWaitTooLong) {
  options_.max_handshakes = 0;
  options_.header_timeout = absl::Milliseconds(20);
  StartTlsServer();
  EXPECT_FALSE(TlsTestClient(port()).connected());
  EXPECT_FALSE(TlsTestClient(port()).connected());
}

TEST_F(HttpServerTlsTest, ReadsThePROXYHeaderBeforeTheHandshake) {
  options_.trusted_proxies = *TrustedProxies::Parse({"127.0.0.1"});
  options_.proxy_protocol = true;
  StartTlsServer();
  TlsTestClient client(
      port(), {.before = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"});
  EXPECT_THAT(client.Get("/who"), HasSubstr("\r\n\r\n192.0.2.1 "));
  EXPECT_FALSE(TlsTestClient(port()).connected());
}

TEST_F(HttpServerTlsTest, NamesTheFileThatCannotBeUsed) {
  const auto expect_error = [this](const std::string& file) {
    EXPECT_THAT(ServerTls::Create(files_, clock_),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(file)));
  };
  Write(files_.key, MakeTestCertificate().key_pem);
  expect_error(files_.key);
  Write(files_.key,
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGw\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n");
  expect_error(files_.key);
  Use(MakeTestCertificate());
  AskForCertificates();
  Write(files_.client_ca, "");
  expect_error(files_.client_ca);
  Write(files_.client_ca,
        absl::StrCat(authority_.certificate_pem(),
                     "-----BEGIN CERTIFICATE-----\nrubbish\n"));
  expect_error(files_.client_ca);
  Write(files_.cert, "rubbish");
  expect_error(files_.cert);
  files_.cert = FileOf("nowhere");
  EXPECT_THAT(ServerTls::Create(files_, clock_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(files_.cert)));
}

}  // namespace
}  // namespace lamplighter
