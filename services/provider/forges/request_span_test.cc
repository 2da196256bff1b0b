#include "services/provider/forges/request_span.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/http/http_client.h"
#include "common/time/testing/fake_clock.h"
#include "common/tracing/testing/fake_span_sink.h"
#include "common/tracing/tracer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::provider {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class RequestSpanTest : public ::testing::Test {
 protected:
  TakenSpan Record(absl::string_view url,
                   const absl::StatusOr<HttpResult>& result) {
    const Span parent = tracer_.Begin("call", SpanKind::kServer, "");
    Span span = BeginRequestSpan(parent, "GET", url);
    EndRequestSpan(span, result);
    return sink_.spans().back();
  }

  static HttpResult Answer(int status) {
    HttpResult result;
    result.status = status;
    return result;
  }

  FakeClock clock_;
  FakeSpanSink sink_;
  Tracer tracer_{sink_, clock_, /*ratio=*/1};
};

TEST_F(RequestSpanTest, SaysWhereARequestWentAndWhatCameOfIt) {
  const TakenSpan span =
      Record("https://api.forge.example/repos/a/b?page=2", Answer(200));
  EXPECT_EQ(span.span.name(), "GET");
  EXPECT_EQ(span.span.kind(), otlp::Span::SPAN_KIND_CLIENT);
  EXPECT_EQ(span.Find("url.full"), "https://api.forge.example/repos/a/b");
  EXPECT_EQ(span.Find("server.address"), "api.forge.example");
  EXPECT_EQ(span.Find("server.port"), "443");
  EXPECT_EQ(span.Find("http.response.status_code"), "200");
  EXPECT_FALSE(span.span.has_status());
}

TEST_F(RequestSpanTest, ReadsTheHostOutOfAnyUrl) {
  const TakenSpan plain = Record("http://forge:3000/x", Answer(200));
  EXPECT_EQ(plain.Find("server.address"), "forge");
  EXPECT_EQ(plain.Find("server.port"), "3000");
  const TakenSpan six = Record("http://[::1]:3000/x", Answer(200));
  EXPECT_EQ(six.Find("server.address"), "[::1]");
  EXPECT_EQ(six.Find("server.port"), "3000");
  EXPECT_EQ(Record("http://forge", Answer(200)).Find("server.port"), "80");
}

TEST_F(RequestSpanTest, HoldsNeitherAUserNorAQuery) {
  for (const char* url :
       {"https://me:secret@forge.example/x", "https://forge.example/x?secret",
        "https://forge.example?secret", "https://forge.example/x#secret"}) {
    const TakenSpan span = Record(url, Answer(200));
    EXPECT_THAT(span.span.SerializeAsString(), Not(HasSubstr("secret"))) << url;
    EXPECT_EQ(span.Find("server.address"), "forge.example") << url;
  }
}

TEST_F(RequestSpanTest, IsAnErrorWhereTheForgeRefusesOrIsAway) {
  const TakenSpan refused = Record("http://forge/x", Answer(422));
  EXPECT_EQ(refused.span.status().code(), otlp::Status::STATUS_CODE_ERROR);
  EXPECT_EQ(refused.Find("error.type"), "422");
  const TakenSpan away =
      Record("http://forge/x", absl::UnavailableError("no connection"));
  EXPECT_EQ(away.Find("error.type"), "UNAVAILABLE");
  EXPECT_EQ(away.span.status().message(), "no connection");
}

}  // namespace
}  // namespace lamplighter::provider
