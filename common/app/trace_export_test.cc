#include "common/app/trace_export.h"

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/io_context.hpp"
#include "common/config/config_file.h"
#include "common/metrics/metrics.h"
#include "common/status/testing/status_matchers.h"
#include "common/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/config/v1/config.pb.h"

namespace lamplighter {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TraceExportTest : public ::testing::Test {
 protected:
  // `telemetry` is the section's text.
  absl::StatusOr<std::unique_ptr<TraceExport>> Create(
      const std::string& telemetry) {
    config::v1::Config config;
    const auto file = ConfigFile::Parse(
        absl::StrCat("telemetry: {", telemetry, "}"), "test.yaml", config);
    if (!file.ok()) return file.status();
    return TraceExport::Create(config.telemetry(), *file, loop_, metrics_,
                               Clock::System());
  }

  boost::asio::io_context loop_;
  Metrics metrics_;
};

TEST_F(TraceExportTest, IsNoneWithoutAnEndpoint) {
  const auto none = Create("trace_sample_ratio: 0.5");
  ASSERT_THAT(none, IsOk());
  EXPECT_EQ(*none, nullptr);
}

TEST_F(TraceExportTest, TakesAnEndpointWithAndWithoutAPath) {
  for (const char* endpoint :
       {"http://collector:4318", "https://collector/", "http://[::1]:4318",
        "https://collector.example/otlp/v1/traces"}) {
    const auto made = Create(absl::StrCat("otlp_endpoint: \"", endpoint, "\""));
    ASSERT_THAT(made, IsOk()) << endpoint;
    EXPECT_NE(*made, nullptr) << endpoint;
  }
}

TEST_F(TraceExportTest, RefusesWhatIsNoEndpoint) {
  for (const char* endpoint :
       {"collector:4318", "grpc://collector:4317", "http://", "http:///path",
        "http://a b", "http://user:pass@collector",
        "http://collector/?key=pass"}) {
    const auto made = Create(absl::StrCat("otlp_endpoint: \"", endpoint, "\""));
    EXPECT_THAT(
        made, StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("test.yaml:1: telemetry.otlp_endpoint"),
                             Not(HasSubstr("pass@")))))
        << endpoint;
  }
}

TEST_F(TraceExportTest, RefusesWhatIsNoShare) {
  for (const char* ratio : {"-0.1", "1.1", ".nan"}) {
    EXPECT_THAT(Create(absl::StrCat("trace_sample_ratio: ", ratio)),
                StatusIs(StatusCode::kInvalidArgument,
                         HasSubstr("telemetry.trace_sample_ratio")))
        << ratio;
  }
}

TEST_F(TraceExportTest, RefusesAHeaderWithoutItsFile) {
  const auto made = Create(
      "otlp_endpoint: \"http://c\", otlp_header_files: {authorization: "
      "/nowhere}");
  EXPECT_THAT(made, StatusIs(StatusCode::kInvalidArgument,
                             AllOf(HasSubstr("otlp_header_files.authorization"),
                                   HasSubstr("/nowhere"))));
}

TEST_F(TraceExportTest, SamplesByTheConfiguredShare) {
  const auto none =
      Create("otlp_endpoint: \"http://c\", trace_sample_ratio: 0");
  ASSERT_THAT(none, IsOk());
  EXPECT_FALSE(
      (*none)->tracer().Begin("GET", SpanKind::kServer, "").recorded());
  const auto all = Create("otlp_endpoint: \"http://c\"");
  ASSERT_THAT(all, IsOk());
  Span span = (*all)->tracer().Begin("GET", SpanKind::kServer, "");
  EXPECT_TRUE(span.recorded());
  span.Discard();
}

}  // namespace
}  // namespace lamplighter
