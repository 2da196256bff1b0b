#include "services/dispatcher/ledger/ledger.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

LedgerKey Key(int number) {
  return MakeLedgerKey(absl::StrCat("r\ns\n", number));
}

LedgerEntry Entry(int64_t time, v1::CommitState state = v1::SUCCESS) {
  LedgerEntry entry;
  entry.version = {time, 0};
  entry.state = state;
  return entry;
}

TEST(LedgerTest, RemembersTheLastOfEachKey) {
  Ledger ledger(10);
  ledger.Open(0);
  ledger.Put(Key(1), 0, Entry(1));
  ledger.Put(Key(2), 0, Entry(2));
  ledger.Put(Key(1), 0, Entry(3, v1::FAILURE));
  ASSERT_NE(ledger.Find(Key(1)), nullptr);
  EXPECT_EQ(ledger.Find(Key(1))->version.time, 3);
  EXPECT_EQ(ledger.Find(Key(1))->state, v1::FAILURE);
  EXPECT_EQ(ledger.Find(Key(3)), nullptr);
  EXPECT_EQ(ledger.size(), 2);
}

TEST(LedgerTest, ForgetsWhatWasNotUsedForLongestAndSaysThatItDid) {
  Ledger ledger(2);
  ledger.Open(0);
  ledger.Open(1);
  ledger.Put(Key(1), 0, Entry(1));
  ledger.Put(Key(2), 1, Entry(2));
  ASSERT_NE(ledger.Find(Key(1)), nullptr);
  EXPECT_TRUE(ledger.Complete(1));
  ledger.Put(Key(3), 0, Entry(3));
  EXPECT_EQ(ledger.Peek(Key(2)), nullptr);
  EXPECT_NE(ledger.Peek(Key(1)), nullptr);
  EXPECT_FALSE(ledger.Complete(1)) << "what it lacks may have been set";
  EXPECT_TRUE(ledger.Complete(0));
}

TEST(LedgerTest, PeekingIsNoUse) {
  Ledger ledger(2);
  ledger.Open(0);
  ledger.Put(Key(1), 0, Entry(1));
  ledger.Put(Key(2), 0, Entry(2));
  ASSERT_NE(ledger.Peek(Key(1)), nullptr);
  ledger.Put(Key(3), 0, Entry(3));
  EXPECT_EQ(ledger.Peek(Key(1)), nullptr);
}

TEST(LedgerTest, HoldsNothingOfPartitionsThatAreNotOpen) {
  Ledger ledger(10);
  EXPECT_FALSE(ledger.Complete(0));
  ledger.Put(Key(1), 0, Entry(1));
  EXPECT_EQ(ledger.Find(Key(1)), nullptr);
  ledger.Open(0);
  ledger.Open(1);
  for (int i = 0; i < 8; ++i) ledger.Put(Key(i), i % 2, Entry(i));
  ledger.Close(0);
  EXPECT_EQ(ledger.size(), 4);
  EXPECT_EQ(ledger.Find(Key(0)), nullptr);
  EXPECT_NE(ledger.Find(Key(1)), nullptr);
  EXPECT_FALSE(ledger.Complete(0));
  ledger.Open(1);
  EXPECT_EQ(ledger.size(), 0) << "opened again, it begins anew";
  EXPECT_TRUE(ledger.Complete(1));
}

TEST(LedgerTest, UsesTheRoomOfWhatIsGone) {
  Ledger ledger(100);
  ledger.Open(0);
  for (int i = 0; i < 1001; ++i) {
    ledger.Put(Key(i), 0, Entry(i));
    if (i % 3 == 0) ledger.Erase(Key(i));
  }
  EXPECT_EQ(ledger.size(), 100);
  int found = 0;
  for (int i = 0; i < 1001; ++i) {
    const LedgerEntry* const entry = ledger.Peek(Key(i));
    if (entry == nullptr) continue;
    EXPECT_EQ(entry->version.time, i);
    ++found;
  }
  EXPECT_EQ(found, 100);
}

TEST(LedgerTest, ADoubtKeepsTheVersionAndNothingElse) {
  Ledger ledger(10);
  ledger.Open(0);
  v1::StatusIntent intent;
  intent.set_state(v1::SUCCESS);
  intent.set_description("d");
  LedgerEntry entry = Entry(7);
  entry.content = ContentOf(intent);
  ledger.Put(Key(1), 0, entry);
  EXPECT_TRUE(ledger.Find(Key(1))->Shows(intent));
  ledger.Doubt(Key(1), 0);
  EXPECT_FALSE(ledger.Find(Key(1))->Shows(intent));
  EXPECT_EQ(ledger.Find(Key(1))->version, (Version{7, 0}));
  ledger.Doubt(Key(2), 0);
  ASSERT_NE(ledger.Find(Key(2)), nullptr);
  EXPECT_LT(ledger.Find(Key(2))->version, (Version{INT64_MIN, 0}))
      << "anything may be set";
}

TEST(LedgerTest, TellsDescriptionFromTargetUrl) {
  v1::StatusIntent one;
  one.set_description("ab");
  v1::StatusIntent other;
  other.set_description("a");
  other.set_target_url("b");
  EXPECT_NE(ContentOf(one), ContentOf(other));
}

TEST(LedgerTest, OrdersByEventTimeThenByPlace) {
  EXPECT_LT((Version{1, 9}), (Version{2, 0}));
  EXPECT_LT((Version{1, 8}), (Version{1, 9}));
}

}  // namespace
}  // namespace lamplighter::dispatcher
