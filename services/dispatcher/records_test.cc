#include "services/dispatcher/records.h"

#include <string>

#include "absl/time/time.h"
#include "common/kafka/cloud_event.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::HasSubstr;

constexpr char kTraceparent[] =
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

v1::StatusIntent Intent() {
  v1::StatusIntent intent;
  intent.set_id("event/ns/p");
  intent.set_repository_id("github.com/acme/fleet");
  intent.mutable_event_time()->set_seconds(1000);
  return intent;
}

TEST(RecordsTest, KeysAnIntentByItsRepositoryAndContinuesItsJourney) {
  const Record record = MakeIntentRecord(Intent(), kTraceparent);
  EXPECT_EQ(record.topic, "lamplighter.status-intents.v1");
  EXPECT_EQ(record.key, "github.com/acme/fleet");
  const CloudEvent event = CloudEventFromHeaders(record.headers).value();
  EXPECT_EQ(event.id, "event/ns/p");
  EXPECT_EQ(event.type, "dev.lamplighter.status-intent.v1");
  EXPECT_EQ(event.subject, "github.com/acme/fleet");
  EXPECT_EQ(event.time, absl::FromUnixSeconds(1000));
  EXPECT_EQ(TraceparentOf(record), kTraceparent);
}

TEST(RecordsTest, GivesTheSameDeadLetterTheSameId) {
  v1::DeadLetter letter;
  *letter.mutable_intent() = Intent();
  letter.set_original_topic("t");
  letter.set_original_partition(3);
  letter.set_original_offset(42);
  const Record record = MakeDeadLetterRecord(letter, "key", "", 1'000'000);
  EXPECT_EQ(record.key, "key");
  EXPECT_EQ(CloudEventFromHeaders(record.headers)->id, "t/3/42/event/ns/p");
}

TEST(RecordsTest, LeavesOutWhatWouldMakeADeadLetterTooLarge) {
  v1::DeadLetter letter;
  letter.mutable_flux_event()->set_id("event");
  letter.mutable_flux_event()->mutable_raw()->set_data(std::string(9000, 'x'));
  v1::DeadLetter written;
  ASSERT_TRUE(written.ParseFromString(
      MakeDeadLetterRecord(letter, "key", "", 8000).value));
  EXPECT_EQ(written.flux_event().id(), "event");
  EXPECT_EQ(written.flux_event().raw().encoding(), v1::RawBody::OMITTED);

  Record bad;
  bad.value = std::string(9000, '\xff');
  const Record cut = MakeDeadLetterRecord(
      MakeUndecodable(bad, {"t", 0, 1}, absl::UnixEpoch()), "key", "", 8000);
  EXPECT_LE(cut.value.size(), 8000);
  ASSERT_TRUE(written.ParseFromString(cut.value));
  EXPECT_EQ(written.reason(), v1::DeadLetter::UNDECODABLE);
  EXPECT_THAT(written.detail(), HasSubstr("cut"));
  EXPECT_GT(written.undecodable().size(), 4000);
}

}  // namespace
}  // namespace lamplighter::dispatcher
