// Spans of requests, as a collector gets them over HTTP.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "common/app/trace_export.h"
#include "common/http/http_server.h"
#include "common/http/testing/test_client.h"
#include "common/kafka/record.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/telemetry.pb.h"
#include "proto/opentelemetry/otlp.pb.h"
#include "services/ingest/testing/ingest_server_test.h"

namespace lamplighter::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kTraceId[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kSender[] = "00f067aa0ba902b7";

// The flags decide whether it is recorded.
std::string Traceparent(const char* flags) {
  return absl::StrCat(kJson, "traceparent: 00-", kTraceId, "-", kSender, "-",
                      flags, "\r\n");
}

class IngestTracingTest : public IngestServerTest {
 protected:
  IngestTracingTest() {
    loop_.Do([this] { Make(); });
    context_.tracer = traces_->tracer();
  }
  ~IngestTracingTest() override {
    loop_.Do([this] {
      traces_.reset();
      collector_.reset();
    });
  }

  void Make() {
    HttpServer::Options options;
    options.listen = "127.0.0.1:0";
    collector_ = *HttpServer::Create(
        options, loop_.loop(),
        {{"POST", "/v1/traces", [this](HttpRequest request) {
            return Collect(std::move(request));
          }}});
    collector_->Start();
    config::v1::Telemetry telemetry;
    telemetry.set_otlp_endpoint(
        absl::StrCat("http://127.0.0.1:", collector_->port()));
    traces_ = *TraceExport::Create(telemetry, config_file_, loop_.loop(),
                                   metrics_, clock_);
  }

  boost::asio::awaitable<HttpResponse> Collect(HttpRequest request) {
    otlp::ExportTraceServiceRequest body;
    EXPECT_EQ(request.headers.Find("Content-Type"), "application/x-protobuf");
    EXPECT_TRUE(body.ParseFromString(request.body));
    requests_.push_back(std::move(body));
    co_return HttpResponse{};
  }

  // What the collector has once the process stops.
  std::vector<otlp::ExportTraceServiceRequest> Collected() {
    loop_.Run(StopTraces());
    return loop_.Do([this] { return requests_; });
  }

  // LoopThread::Run needs a result.
  boost::asio::awaitable<bool> StopTraces() {
    co_await traces_->Stop(absl::Seconds(10));
    co_return true;
  }

  // The spans of the only request, by their names.
  std::map<std::string, otlp::Span> Spans() {
    const auto collected = Collected();
    EXPECT_THAT(collected, SizeIs(1));
    std::map<std::string, otlp::Span> spans;
    for (const auto& span :
         collected.at(0).resource_spans(0).scope_spans(0).spans()) {
      spans[span.name()] = span;
    }
    return spans;
  }

  std::unique_ptr<HttpServer> collector_;
  std::unique_ptr<TraceExport> traces_;
  std::vector<otlp::ExportTraceServiceRequest> requests_;  // on the loop
};

std::string Attribute(const otlp::Span& span, const std::string& key) {
  for (const auto& attribute : span.attributes()) {
    if (attribute.key() != key) continue;
    const otlp::AnyValue& value = attribute.value();
    return value.has_int_value() ? absl::StrCat(value.int_value())
                                 : value.string_value();
  }
  return "(none)";
}

TEST_F(IngestTracingTest, AnEventLeadsFromItsSenderThroughUsToItsRecord) {
  EXPECT_EQ(Post("/", kFlux, Traceparent("01")).status, 202);
  const auto spans = Spans();
  ASSERT_THAT(spans, SizeIs(2));
  const otlp::Span& server = spans.at("POST /");
  const otlp::Span& send = spans.at("send lamplighter.flux-events.v1");
  EXPECT_EQ(absl::BytesToHexString(server.trace_id()), kTraceId);
  EXPECT_EQ(absl::BytesToHexString(server.parent_span_id()), kSender);
  EXPECT_EQ(server.kind(), otlp::Span::SPAN_KIND_SERVER);
  EXPECT_EQ(Attribute(server, "http.request.method"), "POST");
  EXPECT_EQ(Attribute(server, "http.response.status_code"), "202");
  EXPECT_EQ(Attribute(server, "cloudevents.event_source"), "//default/default");
  EXPECT_EQ(send.trace_id(), server.trace_id());
  EXPECT_EQ(send.parent_span_id(), server.span_id());
  EXPECT_EQ(send.kind(), otlp::Span::SPAN_KIND_PRODUCER);
  EXPECT_EQ(Attribute(send, "messaging.destination.name"),
            "lamplighter.flux-events.v1");
  // Whoever reads the record goes on from there.
  EXPECT_EQ(FindHeader(Records().at(0), "traceparent"),
            absl::StrCat("00-", kTraceId, "-",
                         absl::BytesToHexString(send.span_id()), "-01"));
}

TEST_F(IngestTracingTest, NamesTheServiceAndItsInstance) {
  Post("/", kFlux);
  const auto collected = Collected();
  ASSERT_THAT(collected, SizeIs(1));
  std::vector<std::string> keys;
  for (const auto& attribute :
       collected[0].resource_spans(0).resource().attributes()) {
    keys.push_back(attribute.key());
    if (attribute.key() == "service.name") {
      EXPECT_EQ(attribute.value().string_value(), "lamplighter-ingest");
    } else {
      EXPECT_NE(attribute.value().string_value(), "");
    }
  }
  EXPECT_THAT(keys, UnorderedElementsAre("service.name", "service.version",
                                         "service.instance.id", "host.name"));
}

TEST_F(IngestTracingTest, NamesTheRouteAndNeverTheTokenInAPath) {
  const std::string events = kEvents;
  Post(absl::StrCat(events, "flux/token/", kToken), kFlux);
  Post(absl::StrCat(events, "github/hub"), kPush,
       GitHubHeaders(absl::StrCat("sha256=", Sign(kPush))));
  const auto collected = Collected();
  ASSERT_THAT(collected, SizeIs(1));
  EXPECT_THAT(collected[0].SerializeAsString(),
              ::testing::Not(::testing::HasSubstr(kToken)));
  std::vector<std::string> servers;
  for (const auto& span :
       collected[0].resource_spans(0).scope_spans(0).spans()) {
    if (span.kind() == otlp::Span::SPAN_KIND_SERVER) {
      servers.push_back(span.name());
    }
  }
  EXPECT_THAT(
      servers,
      ElementsAre(absl::StrCat("POST ", events, "flux/{source}/{path_token}"),
                  absl::StrCat("POST ", events, "github/{source}")));
}

TEST_F(IngestTracingTest, RecordsNothingOfWhoHasProvedNothing) {
  Post("/wp-login.php", kFlux, Traceparent("01"));
  Post(absl::StrCat(kEvents, "flux/nobody"), kFlux, Traceparent("01"));
  Post(absl::StrCat(kEvents, "flux/signed"), kFlux, Traceparent("01"));
  Post("/", "not JSON", Traceparent("01"));
  EXPECT_THAT(Collected(), IsEmpty());
}

TEST_F(IngestTracingTest, RecordsNothingThatTheSenderDoesNotWantRecorded) {
  EXPECT_EQ(Post("/", kFlux, Traceparent("00")).status, 202);
  EXPECT_EQ(FindHeader(Records().at(0), "traceparent"),
            absl::StrCat("00-", kTraceId, "-", kSender, "-00"));
  EXPECT_THAT(Collected(), IsEmpty());
}

TEST_F(IngestTracingTest, SaysThatTheBrokerDidNotTakeAnEvent) {
  loop_.Do([this] { producer_.FailNext(absl::UnavailableError("no broker")); });
  EXPECT_EQ(Post("/", kFlux, Traceparent("01")).status, 503);
  const auto spans = Spans();
  const otlp::Span& send = spans.at("send lamplighter.flux-events.v1");
  EXPECT_EQ(send.status().code(), otlp::Status::STATUS_CODE_ERROR);
  EXPECT_EQ(send.status().message(), "no broker");
  const otlp::Span& server = spans.at("POST /");
  EXPECT_EQ(server.status().code(), otlp::Status::STATUS_CODE_ERROR);
  EXPECT_EQ(Attribute(server, "http.response.status_code"), "503");
}

}  // namespace
}  // namespace lamplighter::ingest
