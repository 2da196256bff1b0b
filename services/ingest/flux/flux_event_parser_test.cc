#include "services/ingest/flux/flux_event_parser.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/json_parser.h"

namespace lamplighter::ingest {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr char kEvent[] = R"({
  "involvedObject": {
    "kind": "Kustomization", "namespace": "shop", "name": "web", "uid": "u-1",
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "resourceVersion": "77",
    "fieldPath": "spec"
  },
  "severity": "error",
  "timestamp": "2026-03-04T05:06:07Z",
  "message": "health check failed \u003ctimeout\u003e",
  "reason": "HealthCheckFailed",
  "metadata": {
    "kustomize.toolkit.fluxcd.io/revision": "main@sha1:0123",
    "event.toolkit.fluxcd.io/team": "shop"
  },
  "reportingController": "kustomize-controller",
  "reportingInstance": "kustomize-controller-5f8"
})";

absl::StatusOr<v1::FluxEvent> Parse(absl::string_view body) {
  JsonParser parser;
  return ParseFluxEvent(parser, body);
}

// An event with `fields` beside what every event needs.
std::string With(absl::string_view fields) {
  return absl::StrCat(R"({"involvedObject": {"kind": "K", "name": "n"}, )",
                      fields, "}");
}

MATCHER_P(IsRefusedWith, message, "") {
  return ::testing::ExplainMatchResult(
      StatusIs(absl::StatusCode::kInvalidArgument, std::string(message)), arg,
      result_listener);
}

TEST(ParseFluxEvent, ReadsEveryField) {
  const auto event = Parse(kEvent);
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->involved_object().kind(), "Kustomization");
  EXPECT_EQ(event->involved_object().namespace_(), "shop");
  EXPECT_EQ(event->involved_object().name(), "web");
  EXPECT_EQ(event->involved_object().uid(), "u-1");
  EXPECT_EQ(event->involved_object().api_version(),
            "kustomize.toolkit.fluxcd.io/v1");
  EXPECT_EQ(event->involved_object().resource_version(), "77");
  EXPECT_EQ(event->involved_object().field_path(), "spec");
  EXPECT_EQ(event->severity(), "error");
  EXPECT_EQ(event->timestamp().seconds(), 1772600767);
  EXPECT_EQ(event->message(), "health check failed <timeout>");
  EXPECT_EQ(event->reason(), "HealthCheckFailed");
  EXPECT_THAT(
      event->metadata(),
      UnorderedElementsAre(
          Pair("kustomize.toolkit.fluxcd.io/revision", "main@sha1:0123"),
          Pair("event.toolkit.fluxcd.io/team", "shop")));
  EXPECT_EQ(event->reporting_controller(), "kustomize-controller");
  EXPECT_EQ(event->reporting_instance(), "kustomize-controller-5f8");
}

TEST(ParseFluxEvent, IgnoresTheCaseOfKeysAsGoDoes) {
  const auto event = Parse(
      R"({"INVOLVEDOBJECT": {"Kind": "K", "NAME": "n"}, "Message": "m",
          "MetaData": {"Key": "v"}})");
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->involved_object().name(), "n");
  EXPECT_EQ(event->message(), "m");
  EXPECT_THAT(event->metadata(), UnorderedElementsAre(Pair("Key", "v")));
}

TEST(ParseFluxEvent, LetsTheLastOfEqualKeysCount) {
  const auto event = Parse(With(R"("reason": "A", "Reason": "B")"));
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->reason(), "B");
}

TEST(ParseFluxEvent, SkipsUnknownFieldsOfAnyShape) {
  EXPECT_THAT(Parse(With(R"("extra": {"a": [1, {}]}, "more": null)")), IsOk());
}

TEST(ParseFluxEvent, TakesNullForAbsent) {
  const auto event = Parse(With(
      R"("metadata": null, "timestamp": null, "message": null, "reason": null)"));
  ASSERT_THAT(event, IsOk());
  EXPECT_FALSE(event->has_timestamp());
  EXPECT_THAT(event->metadata(), IsEmpty());
}

TEST(ParseFluxEvent, TakesNullInMetadataForAnEmptyValue) {
  const auto event = Parse(With(R"("metadata": {"k": null})"));
  ASSERT_THAT(event, IsOk());
  EXPECT_THAT(event->metadata(), UnorderedElementsAre(Pair("k", "")));
}

TEST(ParseFluxEvent, SaysWhichFieldIsWrong) {
  EXPECT_THAT(Parse(With(R"("metadata": {"foo": 1})")),
              IsRefusedWith("metadata.foo: must be a string"));
  EXPECT_THAT(Parse(With(R"("metadata": [])")),
              IsRefusedWith("metadata: must be an object"));
  EXPECT_THAT(Parse(With(R"("message": {})")),
              IsRefusedWith("message: must be a string"));
  EXPECT_THAT(Parse(R"({"involvedObject": "x"})"),
              IsRefusedWith("involvedObject: must be an object"));
  EXPECT_THAT(Parse(R"({"involvedObject": {"kind": 1}})"),
              IsRefusedWith("involvedObject.kind: must be a string"));
}

TEST(ParseFluxEvent, NeverRepeatsALongKeyInItsError) {
  EXPECT_THAT(Parse(With(absl::StrCat("\"metadata\": {\"",
                                      std::string(5000, 'k'), "\": 1}"))),
              IsRefusedWith("metadata....: must be a string"));
}

TEST(ParseFluxEvent, RefusesTimesThatAreNoneByRfc3339) {
  for (const char* time :
       {R"("")", R"("now")", R"("infinite-future")", R"("2026-03-04")", "1",
        R"(" 2026-03-04T05:06:07Z")", R"("2026-13-04T05:06:07Z")",
        R"("2026-03-04 05:06:07Z")", R"("2026-03-04T05:06:07")",
        R"("0000-01-01T00:00:00Z")", R"("22026-03-04T05:06:07Z")"}) {
    EXPECT_THAT(Parse(With(absl::StrCat("\"timestamp\": ", time))),
                IsRefusedWith("timestamp: must be an RFC 3339 time"))
        << time;
  }
}

TEST(ParseFluxEvent, ReadsZonesAndFractions) {
  const auto event =
      Parse(With(R"("timestamp": "2026-03-04T07:06:07.25+02:00")"));
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->timestamp().seconds(), 1772600767);
  EXPECT_EQ(event->timestamp().nanos(), 250'000'000);
}

TEST(ParseFluxEvent, RefusesWhatNamesNoObject) {
  for (const char* body : {"{}", "null", R"({"involvedObject": null})"}) {
    EXPECT_THAT(Parse(body),
                IsRefusedWith("involvedObject.kind: must not be empty"));
  }
  EXPECT_THAT(Parse(R"({"involvedObject": {"kind": "K"}})"),
              IsRefusedWith("involvedObject.name: must not be empty"));
}

TEST(ParseFluxEvent, RefusesWhatIsNoObject) {
  for (const char* body : {"[]", "1", R"("text")", "true"}) {
    EXPECT_THAT(Parse(body), IsRefusedWith("the body must be a JSON object"));
  }
  for (const char* body : {"", "{", "{}{}", "\xef\xbb\xbf{}"}) {
    EXPECT_THAT(Parse(body), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST(FluxEventId, IsTheSameForTheSameEventInAnotherOrder) {
  auto one = Parse(With(R"("reason": "R", "metadata": {"a": "1", "b": "2"})"));
  auto two = Parse(With(R"("metadata": {"b": "2", "a": "1"}, "reason": "R")"));
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(two, IsOk());
  two->mutable_received_at()->set_seconds(5);
  EXPECT_EQ(FluxEventId(*one), FluxEventId(*two));
  EXPECT_EQ(FluxEventId(*one).size(), 32u);
}

TEST(FluxEventId, ChangesWithWhatTheEventSays) {
  const auto parsed = Parse(kEvent);
  ASSERT_THAT(parsed, IsOk());
  const std::string id = FluxEventId(*parsed);
  const auto with = [&parsed](auto change) {
    v1::FluxEvent event = *parsed;
    change(event);
    return FluxEventId(event);
  };
  EXPECT_NE(id, with([](v1::FluxEvent& e) { e.set_cluster("eu"); }));
  EXPECT_NE(id, with([](v1::FluxEvent& e) { e.set_severity("info"); }));
  EXPECT_NE(id, with([](v1::FluxEvent& e) { e.set_reason("Other"); }));
  EXPECT_NE(id, with([](v1::FluxEvent& e) { e.set_message("other"); }));
  EXPECT_NE(id, with([](v1::FluxEvent& e) {
              e.mutable_timestamp()->set_seconds(1);
            }));
  EXPECT_NE(id, with([](v1::FluxEvent& e) {
              e.mutable_involved_object()->set_name("other");
            }));
  EXPECT_NE(id, with([](v1::FluxEvent& e) {
              (*e.mutable_metadata())["more"] = "x";
            }));
}

}  // namespace
}  // namespace lamplighter::ingest
