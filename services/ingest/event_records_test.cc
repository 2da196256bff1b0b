#include "services/ingest/event_records.h"

#include <string>

#include "absl/time/time.h"
#include "common/kafka/cloud_event.h"
#include "common/kafka/record.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/raw_body.h"

namespace lamplighter::ingest {
namespace {

constexpr char kTrace[] =
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr size_t kEnough = 1 << 20;

v1::FluxEvent Flux() {
  v1::FluxEvent event;
  event.set_id("id-1");
  event.set_source("eu");
  event.set_cluster("eu");
  event.mutable_involved_object()->set_kind("Kustomization");
  event.mutable_involved_object()->set_namespace_("shop");
  event.mutable_involved_object()->set_name("web");
  event.mutable_timestamp()->set_seconds(1'700'000'000);
  event.mutable_received_at()->set_seconds(1'700'000'009);
  *event.mutable_raw() = RawBodyPacker().Pack(std::string(5000, 'x'), "");
  return event;
}

v1::GitEvent Git() {
  v1::GitEvent event;
  event.set_id("github/hub/d-1");
  event.set_source("hub");
  event.set_instance("github.com");
  event.set_type(v1::GitEvent::PULL_REQUEST);
  event.mutable_repository()->set_id("github.com/lamp/lighter");
  event.mutable_received_at()->set_seconds(1'700'000'009);
  return event;
}

TEST(MakeFluxRecord, IsACloudEventKeyedByClusterAndObject) {
  const Record record = MakeFluxRecord(Flux(), kTrace, kEnough);
  EXPECT_EQ(record.topic, "lamplighter.flux-events.v1");
  EXPECT_EQ(record.key, "eu/shop/Kustomization/web");
  const auto attributes = CloudEventFromHeaders(record.headers);
  ASSERT_THAT(attributes, IsOk());
  EXPECT_EQ(attributes->id, "id-1");
  EXPECT_EQ(attributes->source, "//eu/eu");
  EXPECT_EQ(attributes->type, "dev.lamplighter.flux-event.v1");
  EXPECT_EQ(attributes->subject, "Kustomization/shop/web");
  EXPECT_EQ(attributes->time, absl::FromUnixSeconds(1'700'000'000));
  EXPECT_EQ(attributes->content_type, "application/protobuf");
  EXPECT_EQ(attributes->traceparent, kTrace);
  v1::FluxEvent read;
  ASSERT_TRUE(read.ParseFromString(record.value));
  EXPECT_EQ(read.involved_object().name(), "web");
  EXPECT_EQ(read.raw().data().size(), 5000u);
}

TEST(MakeFluxRecord, TakesTheTimeOfReceiptWhereTheEventHasNone) {
  v1::FluxEvent event = Flux();
  event.clear_timestamp();
  const auto attributes =
      CloudEventFromHeaders(MakeFluxRecord(event, kTrace, kEnough).headers);
  ASSERT_THAT(attributes, IsOk());
  EXPECT_EQ(attributes->time, absl::FromUnixSeconds(1'700'000'009));
}

TEST(MakeFluxRecord, LeavesTheBodyOutWhereTheRecordWouldBeTooLarge) {
  const size_t whole = SizeOf(MakeFluxRecord(Flux(), kTrace, kEnough));
  EXPECT_EQ(SizeOf(MakeFluxRecord(Flux(), kTrace, whole)), whole);
  const Record record = MakeFluxRecord(Flux(), kTrace, whole - 1);
  EXPECT_LT(SizeOf(record), 1000u);
  v1::FluxEvent read;
  ASSERT_TRUE(read.ParseFromString(record.value));
  EXPECT_EQ(read.raw().encoding(), v1::RawBody::OMITTED);
  EXPECT_EQ(read.raw().size(), 5000u);
  EXPECT_EQ(read.involved_object().name(), "web");
}

TEST(MakeGitRecord, IsACloudEventKeyedByRepository) {
  const Record record = MakeGitRecord(Git(), kTrace, kEnough);
  EXPECT_EQ(record.topic, "lamplighter.git-events.v1");
  EXPECT_EQ(record.key, "github.com/lamp/lighter");
  const auto attributes = CloudEventFromHeaders(record.headers);
  ASSERT_THAT(attributes, IsOk());
  EXPECT_EQ(attributes->id, "github/hub/d-1");
  EXPECT_EQ(attributes->source, "//github.com/hub");
  EXPECT_EQ(attributes->type, "dev.lamplighter.git.pull-request.v1");
  EXPECT_EQ(attributes->subject, "github.com/lamp/lighter");
  EXPECT_EQ(attributes->time, absl::FromUnixSeconds(1'700'000'009));
}

TEST(MakeGitRecord, TakesTheTimeOfTheForgeWhereItTells) {
  v1::GitEvent event = Git();
  event.mutable_occurred_at()->set_seconds(1'600'000'000);
  const auto attributes =
      CloudEventFromHeaders(MakeGitRecord(event, kTrace, kEnough).headers);
  ASSERT_THAT(attributes, IsOk());
  EXPECT_EQ(attributes->time, absl::FromUnixSeconds(1'600'000'000));
}

TEST(MakeGitRecord, IsKeyedByInstanceWhereNoRepositoryIsNamed) {
  v1::GitEvent event = Git();
  event.clear_repository();
  EXPECT_EQ(MakeGitRecord(event, kTrace, kEnough).key, "github.com");
  event.clear_instance();
  EXPECT_EQ(MakeGitRecord(event, kTrace, kEnough).key, "hub");
}

}  // namespace
}  // namespace lamplighter::ingest
