#include "services/ingest/flux/flux_intake.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/kafka/record.h"
#include "common/kafka/topic_names.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/testing/ingest_server_test.h"

namespace lamplighter::ingest {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

using FluxIntakeTest = IngestServerTest;

TEST_F(FluxIntakeTest, TakesFluxEventsAtTheRootAndAtTheirPath) {
  for (const std::string& path :
       {std::string("/"), absl::StrCat(kEvents, "flux"),
        absl::StrCat(kEvents, "flux/default")}) {
    const TestResponse response = Post(path, kFlux);
    EXPECT_EQ(response.status, 202) << path << response.body;
    EXPECT_EQ(response.body, "");
  }
  const auto records = Records();
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(records[0].topic, kFluxEventsTopic);
  EXPECT_EQ(records[0].key, "default/shop/Kustomization/web");
  v1::FluxEvent event;
  ASSERT_TRUE(event.ParseFromString(records[0].value));
  EXPECT_EQ(event.cluster(), "default");
  EXPECT_EQ(event.source(), "default");
  EXPECT_EQ(event.received_at().seconds(), 1'700'000'000);
  EXPECT_EQ(event.raw().data(), kFlux);
  EXPECT_EQ(event.raw().content_type(), "application/json");
  EXPECT_EQ(FindHeader(records[0], "ce_id"), event.id());
  EXPECT_THAT(MetricsText(), HasSubstr(Accepted("flux", 3)));
}

TEST_F(FluxIntakeTest, TakesFluxEventsThatProveTheirSource) {
  EXPECT_EQ(Post(absl::StrCat(kEvents, "flux/signed"), kFlux,
                 absl::StrCat("X-Signature: sha256=", Sign(kFlux), "\r\n"))
                .status,
            202);
  EXPECT_EQ(Post(absl::StrCat(kEvents, "flux/bearer"), kFlux,
                 absl::StrCat("Authorization: Bearer ", kToken, "\r\n"))
                .status,
            202);
  EXPECT_EQ(Post(absl::StrCat(kEvents, "flux/token/", kToken), kFlux).status,
            202);
  EXPECT_THAT(Records(), SizeIs(3));
}

TEST_F(FluxIntakeTest, TakesTheSecretBeforeAsWell) {
  EXPECT_EQ(Post(absl::StrCat(kEvents, "flux/signed"), kFlux,
                 absl::StrCat("X-Signature: sha256=", Sign(kFlux, kOldSecret),
                              "\r\n"))
                .status,
            202);
  EXPECT_EQ(Post(absl::StrCat(kEvents, "flux/bearer"), kFlux,
                 absl::StrCat("Authorization: Bearer ", kOldToken, "\r\n"))
                .status,
            202);
  EXPECT_EQ(Post(absl::StrCat(kEvents, "flux/token/", kOldToken), kFlux).status,
            202);
}

TEST_F(FluxIntakeTest, RefusesAFluxSignatureThatIsMissing) {
  ExpectRefused(Post(absl::StrCat(kEvents, "flux/signed"), kFlux), 401, "flux",
                "no_signature", "X-Signature is missing");
}

TEST_F(FluxIntakeTest, RefusesAFluxSignatureThatIsWrong) {
  ExpectRefused(
      Post(absl::StrCat(kEvents, "flux/signed"), kFlux,
           absl::StrCat("X-Signature: sha256=", Sign(kFlux, "other"), "\r\n")),
      401, "flux", "signature", "X-Signature is wrong");
}

TEST_F(FluxIntakeTest, RefusesAWrongBearerToken) {
  ExpectRefused(Post(absl::StrCat(kEvents, "flux/bearer"), kFlux,
                     "Authorization: Bearer no\r\n"),
                401, "flux", "signature", "bearer token");
}

TEST_F(FluxIntakeTest, RefusesAWrongPathToken) {
  ExpectRefused(Post(absl::StrCat(kEvents, "flux/token/guess"), kFlux), 401,
                "flux", "signature", "token at the end of the path");
}

TEST_F(FluxIntakeTest, RefusesAMissingPathToken) {
  ExpectRefused(Post(absl::StrCat(kEvents, "flux/token"), kFlux), 401, "flux",
                "no_signature", "token at the end of the path");
}

TEST_F(FluxIntakeTest, RefusesAPathTokenWhereTheSourceHasNone) {
  ExpectRefused(Post(absl::StrCat(kEvents, "flux/bearer/", kToken), kFlux), 404,
                "flux", "unknown_source", "no token in its path");
}

TEST_F(FluxIntakeTest, ChecksTheProofBeforeItParses) {
  ExpectRefused(Post(absl::StrCat(kEvents, "flux/signed"), "{not json",
                     absl::StrCat("X-Signature: sha256=", Sign("x"), "\r\n")),
                401, "flux", "signature", "X-Signature is wrong");
}

TEST_F(FluxIntakeTest, RefusesAnUnknownSource) {
  ExpectRefused(Post(absl::StrCat(kEvents, "flux/nobody"), kFlux), 404, "flux",
                "unknown_source", "no source of type flux has this name");
}

TEST_F(FluxIntakeTest, RefusesAMalformedEventAndSaysWhere) {
  ExpectRefused(Post("/", R"({"involvedObject": {"kind": "K", "name": "n"},
                              "metadata": {"foo": 1}})"),
                400, "flux", "malformed", "metadata.foo: must be a string");
}

TEST_F(FluxIntakeTest, RefusesAnEventThatNamesNoObject) {
  ExpectRefused(Post("/", "{}"), 400, "flux", "malformed",
                "involvedObject.kind: must not be empty");
}

TEST_F(FluxIntakeTest, RefusesFluxEventsThatAreNotJson) {
  ExpectRefused(Post("/", kFlux, kForm), 415, "flux", "content_type",
                "application/json");
}

TEST_F(FluxIntakeTest, TakesFluxEventsOfNoDeclaredType) {
  EXPECT_EQ(Post("/", kFlux, "").status, 202);
}

}  // namespace
}  // namespace lamplighter::ingest
