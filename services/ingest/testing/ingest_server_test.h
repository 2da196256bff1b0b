#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "common/app/app.h"
#include "common/app/health.h"
#include "common/config/config_file.h"
#include "common/http/testing/loop_thread.h"
#include "common/http/testing/test_client.h"
#include "common/kafka/record.h"
#include "common/kafka/testing/fake_producer.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/testing/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/config.pb.h"
#include "services/ingest/ingest_service.h"
#include "services/ingest/sources.h"
#include "services/ingest/verify.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace lamplighter::ingest {

inline constexpr char kSecret[] = "hmac-secret";
inline constexpr char kToken[] = "user:0123456789abcdef";
// What each source has had before, and takes as well.
inline constexpr char kOldSecret[] = "the secret before";
inline constexpr char kOldToken[] = "user:the.token.before";
inline constexpr char kEvents[] = "/api/events-handler/v1/events/";
inline constexpr char kJson[] = "Content-Type: application/json\r\n";
inline constexpr char kForm[] =
    "Content-Type: application/x-www-form-urlencoded\r\n";

inline constexpr char kFlux[] = R"({"involvedObject": {"kind": "Kustomization",
  "namespace": "shop", "name": "web"}, "severity": "info",
  "timestamp": "2026-03-04T05:06:07Z", "reason": "ReconciliationSucceeded"})";
inline constexpr char kPush[] =
    R"({"ref":"refs/heads/main","before":"1","after":"2",)"
    R"("repository":{"id":1,"full_name":"Lamp/Lighter",)"
    R"("html_url":"https://forge.example/Lamp/Lighter"}})";
// kPush as a form has it.
inline constexpr char kPushForm[] =
    "payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%2C%22before%22%3A%221%22"
    "%2C%22after%22%3A%222%22%2C%22repository%22%3A%7B%22id%22%3A1%2C%22full_"
    "name%22%3A%22Lamp%2FLighter%22%2C%22html_url%22%3A%22https%3A%2F%2Fforge."
    "example%2FLamp%2FLighter%22%7D%7D";

inline std::string Sign(absl::string_view body,
                        absl::string_view secret = kSecret) {
  unsigned char hmac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), hmac,
       &size);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(hmac), size));
}

inline std::string GitHubHeaders(absl::string_view signature,
                                 absl::string_view content_type = kJson) {
  return absl::StrCat("X-GitHub-Event: push\r\nX-GitHub-Delivery: d-1\r\n",
                      "X-Hub-Signature-256: ", signature, "\r\n", content_type);
}

inline std::string GiteaHeaders(absl::string_view signature,
                                absl::string_view content_type = kJson) {
  return absl::StrCat(
      "X-GitHub-Event: push\r\nX-Gitea-Event: push\r\nX-GitHub-Delivery: d-2",
      "\r\nX-Gitea-Delivery: d-2\r\nX-Gitea-Signature: ", signature,
      "\r\nX-Hub-Signature-256: sha256=", signature, "\r\n", content_type);
}

// What both kinds of Bitbucket send.
inline std::string BitbucketHeaders(absl::string_view event,
                                    absl::string_view signature) {
  return absl::StrCat("X-Event-Key: ", event,
                      "\r\nX-Hub-Signature: sha256=", signature, "\r\n", kJson);
}

// What GitLab sends with a secret token and, beside it, `more` lines.
inline std::string GitLabHeaders(absl::string_view token,
                                 absl::string_view more = "") {
  return absl::StrCat("X-Gitlab-Event: Push Hook\r\nX-Gitlab-Token: ", token,
                      "\r\n", more, kJson);
}

// The headers of a Standard Webhook with id w-1.
inline std::string StandardHeaders(absl::string_view body, int64_t timestamp,
                                   absl::string_view secret = kSecret) {
  const std::string hmac = absl::HexStringToBytes(
      Sign(absl::StrCat("w-1.", timestamp, ".", body), secret));
  return absl::StrCat("webhook-id: w-1\r\nwebhook-timestamp: ", timestamp,
                      "\r\nwebhook-signature: v1,", absl::Base64Escape(hmac),
                      "\r\n");
}

inline std::string BasicHeaders(absl::string_view user_and_password) {
  return absl::StrCat("Authorization: Basic ",
                      absl::Base64Escape(user_and_password), "\r\n", kJson);
}

inline Source MakeSource(std::string name, SourceType type,
                         Source::ProofBy proof_by) {
  Source source;
  source.name = std::move(name);
  source.type = type;
  source.proof_by = proof_by;
  if (proof_by == Source::ProofBy::kSignature ||
      proof_by == Source::ProofBy::kGitLab) {
    source.secrets.push_back(*HmacSecret::Create(kOldSecret));
    source.secrets.push_back(*HmacSecret::Create(kSecret));
  }
  if (proof_by != Source::ProofBy::kSignature) {
    source.tokens = {kOldToken, kToken};
  }
  return source;
}

// A server on loopback with one source for each kind of proof, whose records go
// to a FakeProducer.
class IngestServerTest : public ::testing::Test {
 protected:
  IngestServerTest() {
    options_.http.listen = "127.0.0.1:0";
    options_.http.max_body = 64 << 10;
    options_.http.header_timeout = absl::Milliseconds(300);
    options_.http.body_timeout = absl::Milliseconds(300);
  }

  void SetUp() override {
    using ProofBy = Source::ProofBy;
    std::vector<Source> sources;
    const auto add = [&sources](const char* name, SourceType type,
                                ProofBy proof_by) {
      sources.push_back(MakeSource(name, type, proof_by));
    };
    add("default", SourceType::kFlux, ProofBy::kNothing);
    add("signed", SourceType::kFlux, ProofBy::kSignature);
    add("bearer", SourceType::kFlux, ProofBy::kBearer);
    add("token", SourceType::kFlux, ProofBy::kPathToken);
    add("hub", SourceType::kGitHub, ProofBy::kSignature);
    add("lab", SourceType::kGitLab, ProofBy::kGitLab);
    add("bucket", SourceType::kBitbucket, ProofBy::kSignature);
    add("server", SourceType::kBitbucketServer, ProofBy::kSignature);
    add("azure", SourceType::kAzureDevOps, ProofBy::kBasic);
    add("tea", SourceType::kGitea, ProofBy::kSignature);
    add("jo", SourceType::kForgejo, ProofBy::kSignature);
    for (Source& source : sources) Change(source);
    service_ = std::make_unique<IngestService>(
        options_, SourceRegistry(std::move(sources)), producer_, context_);
    ASSERT_THAT(loop_.Run(service_->Start()), IsOk());
  }

  // What a test wants otherwise, of each source.
  virtual void Change(Source& /*source*/) {}

  void TearDown() override {
    loop_.Run(Stop());
    loop_.Do([this] { service_.reset(); });
  }

  // LoopThread::Run needs a result.
  boost::asio::awaitable<bool> Stop() {
    co_await service_->Stop();
    co_return true;
  }

  TestResponse Post(absl::string_view path, absl::string_view body,
                    absl::string_view headers = kJson) {
    TestClient client(service_->port());
    EXPECT_TRUE(client.Post(path, body, headers));
    const auto response = client.Read();
    EXPECT_TRUE(response.has_value());
    return response.value_or(TestResponse{});
  }

  // The answer is this problem, it is counted so, and nothing was produced.
  void ExpectRefused(const TestResponse& response, int status,
                     const std::string& provider, const std::string& reason,
                     const std::string& detail) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(response.headers.Find("Content-Type"),
              "application/problem+json");
    EXPECT_THAT(response.body, ::testing::HasSubstr(detail));
    EXPECT_THAT(MetricsText(),
                ::testing::HasSubstr(absl::StrCat(
                    "lamplighter_ingest_rejected_total{provider=\"", provider,
                    "\",reason=\"", reason, "\"} 1\n")));
    EXPECT_THAT(Records(), ::testing::IsEmpty());
  }

  std::vector<Record> Records() {
    return loop_.Do([this] { return producer_.records(); });
  }

  std::string MetricsText() {
    return loop_.Do([this] { return metrics_.Text(); });
  }

  std::string Accepted(const std::string& provider, int times) {
    return absl::StrCat("lamplighter_ingest_requests_total{provider=\"",
                        provider, "\",result=\"accepted\"} ", times, "\n");
  }

  LoopThread loop_;
  config::v1::Config config_;
  ConfigFile config_file_ = *ConfigFile::Parse("", "test.yaml", config_);
  Metrics metrics_;
  Health health_;
  FakeClock clock_;
  AppContext context_{.loop = loop_.loop(),
                      .config = config_,
                      .config_file = config_file_,
                      .metrics = metrics_,
                      .health = health_,
                      .clock = clock_,
                      .fail = nullptr};
  FakeProducer producer_{loop_.loop()};
  IngestService::Options options_;
  std::unique_ptr<IngestService> service_;
};

}  // namespace lamplighter::ingest
