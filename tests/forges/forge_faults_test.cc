// What the provider worker makes of what can go wrong at a forge, the same for
// all of them: a fault has its code, and leaves the worker healthy.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "boost/asio/ssl.hpp"
#include "common/grpc/retry_info.h"
#include "common/http/testing/scripted_server.h"
#include "common/http/testing/test_certificate.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/provider/forge_jobs.h"
#include "tests/forges/fault.h"
#include "tests/forges/forge_cases.h"
#include "tests/forges/provider_on_forge.h"

namespace lamplighter::provider {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::Not;

// Connections to `port` that are open at the client's end. The server's ends
// outlast them, as it waits in the request that the client has given up.
size_t ConnectionsTo(int port) {
  const std::string end = absl::StrFormat(":%04X 01", port);
  std::ifstream sockets("/proc/self/net/tcp");
  size_t count = 0;
  for (std::string line; std::getline(sockets, line);) {
    if (absl::StrContains(line, end)) ++count;
  }
  return count;
}

size_t ResidentBytes() {
  size_t pages = 0;
  std::ifstream statm("/proc/self/statm");
  statm >> pages >> pages;
  return pages * 4096;
}

// Counts the requests that come over TLS, and answers none.
class TlsServer {
 public:
  explicit TlsServer(bool asks_for_certificate = false) {
    namespace ssl = boost::asio::ssl;
    const auto pem = [](const std::string& text) {
      return boost::asio::buffer(text);
    };
    tls_.use_certificate(pem(certificate_.certificate_pem), ssl::context::pem);
    tls_.use_private_key(pem(certificate_.key_pem), ssl::context::pem);
    if (asks_for_certificate) {
      tls_.add_certificate_authority(pem(certificate_.certificate_pem));
      tls_.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    }
    server_ = std::make_unique<ScriptedServer>(
        [this](const std::string&) {
          ++requests_;
          return std::string();
        },
        &tls_);
  }

  std::string url() const {
    return absl::StrCat("https://127.0.0.1:", server_->port());
  }
  const TestCertificate& certificate() const { return certificate_; }
  int requests() const { return requests_; }

 private:
  const TestCertificate certificate_ = MakeTestCertificate();
  boost::asio::ssl::context tls_{boost::asio::ssl::context::tls_server};
  std::atomic<int> requests_ = 0;
  std::unique_ptr<ScriptedServer> server_;  // last: uses the rest
};

class ForgeFaultsTest : public ::testing::TestWithParam<ForgeCase> {
 protected:
  ForgeFaultsTest()
      : forge_(GetParam().make()),
        provider_(GetParam().type, *forge_, GetParam().addresses,
                  GetParam().secret, ShortTimeout()) {}

  static ForgeJobs::Options ShortTimeout() {
    ForgeJobs::Options options;
    options.forge_timeout = absl::Milliseconds(500);
    return options;
  }

  // From now on; of the requests of `method` if one is named.
  void Fail(const std::string& fault, const std::string& method = "") {
    std::string json = fault;
    if (!method.empty()) {
      absl::StrAppend(&json, R"(,"method":")", method, R"(")");
    }
    provider_.loop().Do([&] {
      forge_->AddFault(
          Fault::Parse(absl::StrCat("{", json, "}"), Clock::System().Now())
              .value());
    });
  }

  size_t Calls() {
    return provider_.loop().Do([&] { return forge_->calls().size(); });
  }

  void Heal() {
    provider_.loop().Do([&] { forge_->Reset(); });
  }

  // That the same call works once the fault is over.
  void ExpectHealthy() {
    Heal();
    EXPECT_THAT(provider_.Set(v1::SUCCESS, "after"), IsOk());
  }

  std::unique_ptr<ScriptedForge> forge_;
  ProviderOnForge provider_;
};

TEST_P(ForgeFaultsTest, SetsAStatusOnce) {
  const auto first = provider_.Set(v1::SUCCESS);
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(first->written());
  const auto second = provider_.Set(v1::SUCCESS);
  ASSERT_THAT(second, IsOk());
  EXPECT_FALSE(second->written());
  EXPECT_EQ(second->forge_id(), first->forge_id());
  const auto third = provider_.Set(v1::FAILURE);
  ASSERT_THAT(third, IsOk());
  EXPECT_TRUE(third->written());
  const auto listed = provider_.List();
  ASSERT_THAT(listed, IsOk());
  ASSERT_EQ(listed->statuses_size(), 1);
  EXPECT_EQ(listed->statuses(0).state(), v1::FAILURE);
}

TEST_P(ForgeFaultsTest, RefusalsHaveTheirCodes) {
  const struct {
    int http;
    StatusCode code;
  } kCases[] = {
      {401, StatusCode::kUnauthenticated}, {403, StatusCode::kPermissionDenied},
      {404, StatusCode::kNotFound},        {422, StatusCode::kInvalidArgument},
      {500, StatusCode::kUnavailable},     {502, StatusCode::kUnavailable},
      {503, StatusCode::kUnavailable},
  };
  for (const auto& c : kCases) {
    Fail(absl::StrCat(R"("status":)", c.http));
    EXPECT_THAT(provider_.Set(v1::SUCCESS), StatusIs(c.code)) << c.http;
    ExpectHealthy();
  }
}

TEST_P(ForgeFaultsTest, AConflictMayBeTriedAgain) {
  Fail(R"("status":409)", "POST");
  const absl::Status status = provider_.Set(v1::SUCCESS).status();
  EXPECT_TRUE(absl::IsAborted(status) || absl::IsUnavailable(status)) << status;
  ExpectHealthy();
}

TEST_P(ForgeFaultsTest, ALimitSaysForHowLongAndIsKept) {
  Fail(R"("status":429,"retry_after_s":70)");
  const absl::Status limited = provider_.Set(v1::SUCCESS).status();
  EXPECT_THAT(limited, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_EQ(RetryAfter(limited), absl::Seconds(70));
  const size_t calls = Calls();
  const absl::Status refused = provider_.Set(v1::SUCCESS, "another").status();
  EXPECT_THAT(refused, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(RetryAfter(refused).value_or(absl::ZeroDuration()),
              AllOf(Ge(absl::Seconds(50)), Le(absl::Seconds(70))));
  EXPECT_EQ(Calls(), calls) << "no call is made during a limit";
}

TEST_P(ForgeFaultsTest, ALimitThatDoesNotSayIsKeptForAWhile) {
  Fail(R"("status":429)");
  const absl::Status limited = provider_.Set(v1::SUCCESS).status();
  EXPECT_THAT(limited, StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(RetryAfter(limited).value_or(absl::ZeroDuration()),
              AllOf(Ge(absl::Seconds(1)), Le(absl::Minutes(10))));
}

TEST_P(ForgeFaultsTest, AUsedUpQuotaIsNoRefusalOfTheCredential) {
  const int64_t until = absl::ToUnixSeconds(Clock::System().Now()) + 600;
  Fail(absl::StrCat(R"("rate_limit_until":)", until));
  EXPECT_THAT(provider_.Set(v1::SUCCESS),
              StatusIs(StatusCode::kResourceExhausted));
}

TEST_P(ForgeFaultsTest, AGatewaysPageIsTrouble) {
  Fail(R"("status":502,"html":true)");
  EXPECT_THAT(provider_.Set(v1::SUCCESS),
              StatusIs(StatusCode::kUnavailable, Not(HasSubstr("<"))));
  ExpectHealthy();
}

TEST_P(ForgeFaultsTest, ASignInPageWithA200IsNoAnswer) {
  Fail(R"("status":200,"html":true)");
  EXPECT_FALSE(provider_.Set(v1::SUCCESS).ok());
  EXPECT_FALSE(provider_.ListRepositories().status.ok());
  ExpectHealthy();
}

TEST_P(ForgeFaultsTest, HalfAnAnswerIsNoAnswer) {
  ASSERT_THAT(provider_.Set(v1::SUCCESS), IsOk());
  Fail(R"("truncated":true)", "GET");
  EXPECT_THAT(provider_.Set(v1::FAILURE), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(provider_.ListRepositories().status,
              StatusIs(StatusCode::kUnavailable));
  ExpectHealthy();
}

TEST_P(ForgeFaultsTest, AHugeAnswerIsCutOff) {
  Fail(R"("huge":true)");
  EXPECT_THAT(provider_.Set(v1::SUCCESS),
              StatusIs(StatusCode::kUnavailable, HasSubstr("larger")));
  ExpectHealthy();
}

TEST_P(ForgeFaultsTest, FindsOutThatALostAnswerWasAYes) {
  for (const char* fault : {R"("hang":true,"after":true,"times":1)",
                            R"("reset":true,"after":true,"times":1)"}) {
    Heal();
    Fail(fault, "POST");
    const auto result = provider_.Set(v1::SUCCESS, "kustomization/app", "lost",
                                      /*known_different=*/true);
    ASSERT_THAT(result, IsOk()) << fault;
    EXPECT_TRUE(result->written());
    EXPECT_EQ(provider_.List()->statuses_size(), 1);
  }
}

TEST_P(ForgeFaultsTest, AWriteThatWasNeverDoneStaysUnknown) {
  Fail(R"("hang":true,"times":1)", "POST");
  EXPECT_THAT(provider_.Set(v1::SUCCESS),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(provider_.List()->statuses_size(), 0);
  ExpectHealthy();
}

TEST_P(ForgeFaultsTest, ABrokenConnectionIsAnUnknownOutcome) {
  ScriptedServer server([](const std::string&) { return std::string(); });
  provider_.Move(absl::StrCat("http://127.0.0.1:", server.port()));
  EXPECT_THAT(provider_.Set(v1::SUCCESS),
              StatusIs(StatusCode::kDeadlineExceeded));
}

TEST_P(ForgeFaultsTest, OnlyTheAuthorityOfTheSecretIsTrusted) {
  TlsServer server;
  provider_.Move(server.url());
  EXPECT_THAT(provider_.Set(v1::SUCCESS), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(server.requests(), 0) << "no credential is sent";

  std::map<std::string, std::string> secret = GetParam().secret;
  secret["ca.crt"] = server.certificate().certificate_pem;
  provider_.SetSecret(secret);
  EXPECT_FALSE(provider_.Set(v1::SUCCESS).ok());
  EXPECT_GT(server.requests(), 0);
}

TEST_P(ForgeFaultsTest, ShowsTheClientCertificateOfTheSecret) {
  TlsServer server(/*asks_for_certificate=*/true);
  provider_.Move(server.url());
  std::map<std::string, std::string> secret = GetParam().secret;
  secret["ca.crt"] = server.certificate().certificate_pem;
  provider_.SetSecret(secret);
  EXPECT_FALSE(provider_.Set(v1::SUCCESS).ok());
  EXPECT_EQ(server.requests(), 0);

  secret["tls.crt"] = server.certificate().certificate_pem;
  secret["tls.key"] = server.certificate().key_pem;
  provider_.SetSecret(secret);
  EXPECT_FALSE(provider_.Set(v1::SUCCESS).ok());
  EXPECT_GT(server.requests(), 0);
}

TEST_P(ForgeFaultsTest, GoesThroughTheProxyOfTheSecret) {
  std::atomic<int> requests = 0;
  ScriptedServer proxy([&](const std::string& request) {
    if (absl::StrContains(request, " http://forge.invalid/")) ++requests;
    return std::string();
  });
  provider_.Move("http://forge.invalid");
  std::map<std::string, std::string> secret = GetParam().secret;
  secret["proxy"] = absl::StrCat("http://127.0.0.1:", proxy.port());
  provider_.SetSecret(secret);
  EXPECT_FALSE(provider_.Set(v1::SUCCESS).ok());
  EXPECT_GT(requests, 0);
}

TEST_P(ForgeFaultsTest, NoErrorShowsACredential) {
  for (const char* fault :
       {R"("status":401)", R"("status":422)", R"("status":500)"}) {
    Fail(fault);
    const absl::Status status = provider_.Set(v1::SUCCESS).status();
    for (const auto& [key, value] : GetParam().secret) {
      EXPECT_FALSE(absl::StrContains(status.message(), value)) << status;
    }
    Heal();
  }
}

TEST_P(ForgeFaultsTest, AForgeThatHangsHoldsFewSocketsAndLittleMemory) {
  constexpr int kCalls = 10'000;
  Fail(R"("hang":true,"for_ms":60000)");
  const size_t memory_before = ResidentBytes();
  std::atomic<int> ended = 0;
  absl::Notification all_ended;
  std::atomic<int> succeeded = 0;
  provider_.BeginSets(kCalls, absl::Seconds(1),
                      [&](const absl::Status& status) {
                        if (status.ok()) ++succeeded;
                        if (++ended == kCalls) all_ended.Notify();
                      });
  size_t most_connections = 0;
  size_t most_memory = 0;
  while (!all_ended.HasBeenNotified()) {
    most_connections =
        std::max(most_connections, ConnectionsTo(provider_.port()));
    most_memory = std::max(most_memory, ResidentBytes());
    all_ended.WaitForNotificationWithTimeout(absl::Milliseconds(20));
  }
  EXPECT_EQ(succeeded, 0);
  EXPECT_GT(most_connections, 0);
  // 32 at any moment; the kernel's list is not of one moment, and as the time
  // of all runs out some come and go while it is read.
  EXPECT_LE(most_connections, 512);
  EXPECT_LE(most_memory, memory_before + (128 << 20));
  ExpectHealthy();
}

INSTANTIATE_TEST_SUITE_P(Forges, ForgeFaultsTest,
                         ::testing::ValuesIn(AllForgeCases()),
                         [](const auto& info) { return info.param.type; });

}  // namespace
}  // namespace lamplighter::provider
