#include "common/otlp/otlp_exporter.h"

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "boost/asio/awaitable.hpp"
#include "boost/asio/co_spawn.hpp"
#include "boost/asio/detached.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/steady_timer.hpp"
#include "boost/asio/use_awaitable.hpp"
#include "common/async/testing/fake_sleeper.h"
#include "common/http/testing/fake_http_client.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::_;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kUrl[] = "http://collector:4318/v1/traces";

class OtlpExporterTest : public ::testing::Test {
 protected:
  OtlpExporterTest() {
    options_.url = kUrl;
    // By far longer than a test: what is sent is sent for another reason.
    options_.interval = absl::Hours(1);
  }

  void Make() {
    exporter_ = std::make_unique<OtlpExporter>(options_, loop_, http_, sleeper_,
                                               metrics_);
  }

  void Take(const std::string& name, const std::string& service = "ingest") {
    auto span = std::make_unique<otlp::Span>();
    span->set_name(name);
    exporter_->Take(service, std::move(span));
  }

  void Take(size_t spans) {
    for (size_t i = 0; i < spans; ++i) Take(absl::StrCat("span ", i));
  }

  // Runs what can be run now.
  void Run() {
    loop_.restart();
    loop_.poll();
  }

  void Stop(absl::Duration limit = absl::Seconds(10)) {
    boost::asio::co_spawn(loop_, exporter_->Stop(limit), boost::asio::detached);
    loop_.restart();
    loop_.run();
  }

  // What was sent by the call of that number.
  otlp::ExportTraceServiceRequest Sent(size_t call) {
    otlp::ExportTraceServiceRequest request;
    EXPECT_TRUE(request.ParseFromString(http_.calls().at(call).body));
    return request;
  }

  std::string Counted(const std::string& result, int spans) {
    return absl::StrCat("lamplighter_tracing_spans_total{result=\"", result,
                        "\"} ", spans, "\n");
  }

  boost::asio::io_context loop_{1};
  FakeHttpClient http_;
  FakeSleeper sleeper_;
  Metrics metrics_;
  OtlpExporter::Options options_;
  std::unique_ptr<OtlpExporter> exporter_;
};

TEST_F(OtlpExporterTest, PostsABatchAsSoonAsItIsFull) {
  http_.When("POST", kUrl).Return(200);
  options_.batch = 3;
  Make();
  Take(2);
  Run();
  EXPECT_THAT(http_.calls(), IsEmpty());
  Take("the third");
  Run();
  ASSERT_THAT(http_.calls(), SizeIs(1));
  EXPECT_EQ(http_.calls()[0].headers.Find("Content-Type"),
            "application/x-protobuf");
  const otlp::ExportTraceServiceRequest sent = Sent(0);
  ASSERT_EQ(sent.resource_spans_size(), 1);
  const otlp::ScopeSpans& spans = sent.resource_spans(0).scope_spans(0);
  ASSERT_EQ(spans.spans_size(), 3);
  EXPECT_EQ(spans.spans(2).name(), "the third");
  EXPECT_THAT(metrics_.Text(), HasSubstr(Counted("exported", 3)));
}

TEST_F(OtlpExporterTest, PostsFewerOnceTheIntervalIsOver) {
  http_.When("POST", kUrl).Return(200);
  options_.interval = absl::Milliseconds(1);
  Make();
  Take(1);
  loop_.run();  // until there is nothing left to wait for
  EXPECT_THAT(http_.calls(), SizeIs(1));
}

TEST_F(OtlpExporterTest, SaysOfEachServiceWhoItIs) {
  http_.When("POST", kUrl).Return(200);
  options_.resource = {{"service.version", "1.2.3"}};
  options_.batch = 3;
  Make();
  Take("a", "ingest");
  Take("b", "provider");
  Take("c", "ingest");
  Run();
  const otlp::ExportTraceServiceRequest sent = Sent(0);
  ASSERT_EQ(sent.resource_spans_size(), 2);
  const auto& ingest = sent.resource_spans(0);
  EXPECT_EQ(ingest.resource().attributes(0).key(), "service.name");
  EXPECT_EQ(ingest.resource().attributes(0).value().string_value(), "ingest");
  EXPECT_EQ(ingest.resource().attributes(1).key(), "service.version");
  EXPECT_EQ(ingest.resource().attributes(1).value().string_value(), "1.2.3");
  EXPECT_EQ(ingest.scope_spans(0).spans_size(), 2);
  EXPECT_EQ(sent.resource_spans(1).scope_spans(0).spans(0).name(), "b");
}

TEST_F(OtlpExporterTest, DropsAndCountsTheNewestWhileTooManyWait) {
  http_.When("POST", kUrl).Return(200);
  options_.max_waiting = 4;
  options_.batch = 4;
  Make();
  Take(4);
  Take("the fifth");
  EXPECT_THAT(metrics_.Text(), HasSubstr(Counted("dropped", 1)));
  Run();
  EXPECT_THAT(http_.calls(), SizeIs(1));
  EXPECT_THAT(http_.calls()[0].body, Not(HasSubstr("the fifth")));
  Take(4);  // there is room again
  Run();
  EXPECT_THAT(metrics_.Text(), AllOf(HasSubstr(Counted("exported", 8)),
                                     HasSubstr(Counted("dropped", 1))));
}

TEST_F(OtlpExporterTest, HasOneRequestUnderWayAtATime) {
  std::vector<size_t> calls_at_answers;
  http_.When("POST", kUrl).Return([&](const HttpCall&) {
    calls_at_answers.push_back(http_.calls().size());
    return Reply(200);
  });
  options_.batch = 1;
  Make();
  Take(1);
  while (http_.calls().empty()) loop_.run_one();
  Take("while the first is under way");
  Run();
  EXPECT_THAT(calls_at_answers, ElementsAre(1, 2));
}

TEST_F(OtlpExporterTest, TriesAgainAfterWhatTheCollectorAsksFor) {
  http_.When("POST", kUrl)
      .Return(Reply(503, "", {{"Retry-After", "7"}}))
      .Then(Reply(429, "", {{"Retry-After", "86400"}}))
      .Then(502)
      .Then(200);
  options_.batch = 2;
  Make();
  Take(2);
  Run();
  ASSERT_THAT(http_.calls(), SizeIs(4));
  EXPECT_EQ(http_.calls()[0].body, http_.calls()[3].body);
  EXPECT_THAT(sleeper_.Slept(),
              ElementsAre(absl::Seconds(7), absl::Minutes(5),
                          AllOf(Ge(absl::Seconds(2)), Le(absl::Seconds(4)))));
  EXPECT_THAT(metrics_.Text(), AllOf(HasSubstr(Counted("exported", 2)),
                                     HasSubstr(Counted("failed", 0))));
}

TEST_F(OtlpExporterTest, TriesAgainWhereTheCollectorIsAwayButNotForEver) {
  http_.When("POST", kUrl).Return(absl::UnavailableError("no connection"));
  options_.batch = 2;
  Make();
  Take(2);
  Run();
  EXPECT_THAT(http_.calls(), SizeIs(options_.tries));
  EXPECT_THAT(metrics_.Text(), HasSubstr(Counted("failed", 2)));
  Take(2);  // the next batch is tried for itself
  Run();
  EXPECT_THAT(http_.calls(), SizeIs(2 * options_.tries));
}

TEST_F(OtlpExporterTest, TakesAnyOtherRefusalForFinal) {
  options_.batch = 1;
  Make();
  for (const int status : {400, 401, 404, 413, 500}) {
    http_.When("POST", kUrl).Return(status);
    Take("one");
    Run();
  }
  EXPECT_THAT(http_.calls(), SizeIs(5));
  EXPECT_THAT(sleeper_.Slept(), IsEmpty());
  EXPECT_THAT(metrics_.Text(), HasSubstr(Counted("failed", 5)));
}

TEST_F(OtlpExporterTest, NeverSendsAgainWhatTheCollectorRejected) {
  otlp::ExportTraceServiceResponse response;
  response.mutable_partial_success()->set_rejected_spans(2);
  http_.When("POST", kUrl).Return(Reply(200, response.SerializeAsString()));
  options_.batch = 3;
  Make();
  Take(3);
  Run();
  EXPECT_THAT(http_.calls(), SizeIs(1));
  EXPECT_THAT(metrics_.Text(), AllOf(HasSubstr(Counted("exported", 1)),
                                     HasSubstr(Counted("rejected", 2))));
}

TEST_F(OtlpExporterTest, SendsWhatWaitsAtAStopAndNothingAfterwards) {
  http_.When("POST", kUrl).Return(200);
  Make();
  Take(2);
  Stop();
  EXPECT_THAT(http_.calls(), SizeIs(1));
  Take("late");
  EXPECT_THAT(metrics_.Text(), AllOf(HasSubstr(Counted("exported", 2)),
                                     HasSubstr(Counted("dropped", 1))));
}

TEST_F(OtlpExporterTest, TriesOnceAtAStop) {
  http_.When("POST", kUrl).Return(503);
  Make();
  Take(2);
  Stop();
  EXPECT_THAT(http_.calls(), SizeIs(1));
  EXPECT_THAT(metrics_.Text(), HasSubstr(Counted("failed", 2)));
}

// A collector that takes a request and never answers.
class SilentClient final : public HttpClient {
 public:
  explicit SilentClient(boost::asio::io_context& loop)
      : never_(loop, boost::asio::steady_timer::time_point::max()) {}
  boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(
      HttpCall /*call*/) override {
    co_await never_.async_wait(boost::asio::use_awaitable);
    co_return Reply(200);
  }

 private:
  boost::asio::steady_timer never_;
};

TEST_F(OtlpExporterTest, StopsWithinItsLimitWhateverTheCollectorDoes) {
  SilentClient silent(loop_);
  OtlpExporter exporter(options_, loop_, silent, sleeper_, metrics_);
  exporter.Take("ingest", std::make_unique<otlp::Span>());
  boost::asio::co_spawn(loop_, exporter.Stop(absl::Milliseconds(1)),
                        boost::asio::detached);
  loop_.run();  // would never return
  EXPECT_THAT(metrics_.Text(), HasSubstr(Counted("failed", 1)));
}

class OtlpHeadersTest : public OtlpExporterTest {
 protected:
  void Write(const std::string& text) { std::ofstream(file_) << text; }

  const std::string file_ = absl::StrCat(
      ::testing::TempDir(), "/",
      ::testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(OtlpHeadersTest, SendsWhatTheFilesHoldNow) {
  http_.When("POST", kUrl).Return(200);
  options_.batch = 1;
  options_.header_files = {{"authorization", file_}};
  Make();
  for (const char* secret : {"Bearer one", "Bearer two"}) {
    Write(absl::StrCat(secret, "\n"));
    Take("one");
    Run();
    EXPECT_EQ(http_.calls().back().headers.Find("Authorization"), secret);
  }
}

TEST_F(OtlpHeadersTest, KeepsTheFormerOnesWhereAFileIsGone) {
  http_.When("POST", kUrl).Return(200);
  options_.batch = 1;
  options_.header_files = {{"authorization", file_}};
  Make();
  Write("Bearer one");
  Take("one");
  Run();
  std::remove(file_.c_str());
  Take("two");
  Run();
  EXPECT_EQ(http_.calls().at(1).headers.Find("Authorization"), "Bearer one");
}

TEST_F(OtlpHeadersTest, NamesNoSecretInAnError) {
  Write("first line\nsecond line");
  const auto headers = ReadHeaderFiles({{"authorization", file_}});
  EXPECT_THAT(headers.status(),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr(file_), Not(HasSubstr("line\n")),
                             Not(HasSubstr("first")))));
  EXPECT_THAT(ReadHeaderFiles({{"not a name", file_}}),
              StatusIs(StatusCode::kInvalidArgument, _));
}

}  // namespace
}  // namespace lamplighter
