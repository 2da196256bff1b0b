#include "services/provider/failed_deliveries.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::provider {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

WebhookDelivery Failed(int64_t id, const std::string& guid) {
  return {.id = id, .guid = guid, .has_failed = true};
}
WebhookDelivery Succeeded(int64_t id, const std::string& guid) {
  return {.id = id, .guid = guid, .has_failed = false};
}

class FailedDeliveriesTest : public ::testing::Test {
 protected:
  // The newest first.
  FailedDeliveries::Change Read(std::vector<WebhookDelivery> list,
                                const std::string& next = "") {
    return failed_.Add({.deliveries = std::move(list), .next = next});
  }
  std::vector<int64_t> Due() {
    std::vector<int64_t> ids;
    for (const auto& due : failed_.DueAt(now_)) ids.push_back(due.delivery);
    return ids;
  }

  absl::Time now_ = absl::FromUnixSeconds(1'700'000'000);
  FailedDeliveries failed_;
};

TEST_F(FailedDeliveriesTest, WhatFailedIsDueTheOldestFirst) {
  EXPECT_EQ(Read({Failed(9, "c"), Succeeded(8, "b"), Failed(7, "a")}).found, 2);
  EXPECT_FALSE(failed_.IsReading());
  EXPECT_THAT(Due(), ElementsAre(7, 9));
}

TEST_F(FailedDeliveriesTest, OnlyTheNewestAttemptOfAnEventCounts) {
  Read({Succeeded(9, "a"), Failed(8, "b"), Failed(7, "a"), Failed(6, "b")});
  EXPECT_THAT(Due(), ElementsAre(8));
  Read({Succeeded(10, "b"), Succeeded(9, "a"), Failed(8, "b")});
  EXPECT_THAT(Due(), IsEmpty()) << "it succeeded since";
}

TEST_F(FailedDeliveriesTest, ASuccessOnAPageBeforeCountsToo) {
  Read({Succeeded(9, "a")}, "page-2");
  EXPECT_TRUE(failed_.IsReading());
  EXPECT_EQ(failed_.next_page(), "page-2");
  Read({Failed(3, "a"), Failed(2, "b")});
  EXPECT_THAT(Due(), ElementsAre(2));
}

TEST_F(FailedDeliveriesTest, ReadsNoFurtherThanTheReadingBefore) {
  Read({Succeeded(5, "e"), Failed(4, "d")}, "page-2");
  EXPECT_TRUE(failed_.IsReading());
  Read({Succeeded(3, "c")});
  EXPECT_FALSE(failed_.IsReading());
  Read({Succeeded(7, "g")}, "page-2");
  EXPECT_TRUE(failed_.IsReading()) << "6 may be missing";
  // 6 took long, and came into the list after 7.
  EXPECT_EQ(Read({Succeeded(5, "e"), Failed(4, "d")}, "page-3").found, 0);
  EXPECT_FALSE(failed_.IsReading());
  EXPECT_EQ(Read({Succeeded(7, "g"), Failed(6, "f")}, "page-2").found, 1);
  EXPECT_THAT(Due(), ElementsAre(4, 6));
}

TEST_F(FailedDeliveriesTest, AReadingThatIsBrokenOffBeginsAnewAsFarAsBefore) {
  Read({Succeeded(9, "i")}, "page-2");
  failed_.BeginAnew();
  EXPECT_EQ(failed_.next_page(), "");
  Read({Succeeded(9, "i")}, "page-2");
  EXPECT_TRUE(failed_.IsReading()) << "9 was not read up to";
  Read({Failed(8, "h")});
  EXPECT_THAT(Due(), ElementsAre(8));
}

TEST_F(FailedDeliveriesTest, IsMadeAgainOnceUntilItIsSeenToHaveFailed) {
  Read({Failed(1, "a")});
  failed_.Redelivered("a", now_);
  EXPECT_THAT(Due(), IsEmpty());
  Read({Failed(1, "a")});
  now_ += absl::Hours(24);
  EXPECT_THAT(Due(), IsEmpty()) << "its outcome is not known yet";
  const auto change = Read({Failed(2, "a"), Failed(1, "a")});
  EXPECT_EQ(change.found, 0);
  EXPECT_EQ(change.failed_again, 1);
  EXPECT_THAT(Due(), ElementsAre(2));
}

TEST_F(FailedDeliveriesTest, TriesComeAtGrowingDistancesAndEnd) {
  const absl::Time start = now_;
  int64_t id = 1;
  std::vector<int64_t> minutes;
  int64_t given_up = 0;
  Read({Failed(id, "a")});
  for (; now_ < start + absl::Hours(96); now_ += absl::Minutes(5)) {
    if (Due().empty()) continue;
    minutes.push_back(absl::ToInt64Minutes(now_ - start));
    failed_.Redelivered("a", now_);
    const auto change = Read({Failed(++id, "a")});
    EXPECT_EQ(change.failed_again, 1);
    given_up += change.given_up;
  }
  EXPECT_THAT(minutes, ElementsAre(0, 10, 30, 70, 150, 310, 630, 1270));
  EXPECT_EQ(given_up, 1);
}

TEST_F(FailedDeliveriesTest, ARefusalIsATry) {
  Read({Failed(2, "a"), Failed(1, "b")});
  EXPECT_EQ(failed_.Refused("a", now_).failed_again, 1);
  now_ += absl::Minutes(10);
  EXPECT_THAT(Due(), ElementsAre(1, 2));
  int64_t given_up = 0;
  for (int i = 0; i < 7; ++i) given_up += failed_.Refused("a", now_).given_up;
  EXPECT_EQ(given_up, 1);
  now_ += absl::Hours(100);
  EXPECT_THAT(Due(), ElementsAre(1));
}

TEST_F(FailedDeliveriesTest, KeepsTenThousandAtMost) {
  std::vector<WebhookDelivery> list;
  for (int64_t id = 12'000; id > 0; --id) {
    list.push_back(Failed(id, absl::StrCat(id)));
  }
  EXPECT_EQ(Read(list).found, 12'000);
  EXPECT_EQ(Due().size(), 10'000);
  EXPECT_EQ(Due().back(), 12'000);
}

TEST_F(FailedDeliveriesTest, AListThatNeverEndsDoes) {
  int pages = 0;
  do {
    const int64_t id = 1'000'000 - pages;
    Read({Failed(id, absl::StrCat(id))}, absl::StrCat("page-", ++pages));
  } while (failed_.IsReading() && pages < 10'000);
  EXPECT_EQ(pages, 500);
}

}  // namespace
}  // namespace lamplighter::provider
