#include "services/dispatcher/deliverer/fair_queue.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::ElementsAre;

TEST(FairQueueTest, LetsOwnersTakeTurns) {
  FairQueue<std::string> queue;
  for (int i = 0; i < 1000; ++i) queue.Add("hot", absl::StrCat("hot", i));
  EXPECT_EQ(queue.PopFirst(), "hot0");
  queue.Add("cold", "cold0");
  queue.Add("cold", "cold1");
  EXPECT_EQ(queue.PopFirst(), "hot1");
  EXPECT_EQ(queue.PopFirst(), "cold0");
  EXPECT_EQ(queue.PopFirst(), "hot2");
  EXPECT_EQ(queue.PopFirst(), "cold1");
  EXPECT_EQ(queue.PopFirst(), "hot3");
}

TEST(FairQueueTest, KeepsTheOrderOfEachOwner) {
  FairQueue<int> queue;
  for (int i = 0; i < 5; ++i) queue.Add("a", i);
  EXPECT_THAT(queue.Items(), ElementsAre(0, 1, 2, 3, 4));
}

TEST(FairQueueTest, WhatIsReplacedKeepsItsPlace) {
  FairQueue<int> queue;
  auto place = queue.Add("a", 1);
  queue.Add("b", 2);
  queue.Remove("a", place);
  queue.AddAt("a", place, 3);
  EXPECT_THAT(queue.Items(), ElementsAre(3, 2));
}

TEST(FairQueueTest, ReplacingGainsNoTurn) {
  FairQueue<int> queue;
  queue.Add("a", 1);
  auto place = queue.Add("a", 2);
  queue.Add("b", 3);
  EXPECT_EQ(queue.PopFirst(), 1);
  queue.Remove("a", place);
  queue.AddAt("a", place, 4);
  EXPECT_THAT(queue.Items(), ElementsAre(3, 4));
}

// However many others come.
TEST(FairQueueTest, EveryItemHasItsTurn) {
  FairQueue<std::string> queue;
  queue.Add("patient", "first");
  queue.Add("patient", "second");
  bool popped = false;
  for (int i = 0; i < 10 && !popped; ++i) {
    queue.Add(absl::StrCat("new", i), "new");
    popped = queue.PopFirst() == "second";
  }
  EXPECT_TRUE(popped);
}

TEST(FairQueueTest, IsEmptyWhenAllIsOut) {
  FairQueue<int> queue;
  auto place = queue.Add("a", 1);
  queue.Add("a", 2);
  queue.Remove("a", place);
  EXPECT_EQ(queue.size(), 1);
  EXPECT_EQ(queue.PopFirst(), 2);
  EXPECT_TRUE(queue.empty());
  EXPECT_THAT(queue.Items(), ElementsAre());
}

}  // namespace
}  // namespace lamplighter::dispatcher
