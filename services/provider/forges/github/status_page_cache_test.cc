#include "services/provider/forges/github/status_page_cache.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace lamplighter::provider {
namespace {

StatusPageCache::Entry SomeEntry(const std::string& etag,
                                 size_t description_bytes = 0) {
  ForgeStatus status;
  status.description = std::string(description_bytes, 'x');
  StatusPageCache::Entry entry;
  entry.etag = etag;
  entry.page.statuses.push_back(std::move(status));
  return entry;
}

TEST(StatusPageCacheTest, GivesWhatItWasGivenLast) {
  StatusPageCache cache;
  EXPECT_EQ(cache.Find("a"), nullptr);
  cache.Keep("a", SomeEntry("1"));
  cache.Keep("a", SomeEntry("2"));
  ASSERT_NE(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.Find("a")->etag, "2");
  EXPECT_EQ(cache.Find("b"), nullptr);
}

TEST(StatusPageCacheTest, ForgetsWhatWasLongestNotAskedForBeyondItsEntries) {
  StatusPageCache cache(/*max_entries=*/2);
  cache.Keep("a", SomeEntry("a"));
  cache.Keep("b", SomeEntry("b"));
  EXPECT_NE(cache.Find("a"), nullptr);
  cache.Keep("c", SomeEntry("c"));
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_NE(cache.Find("a"), nullptr);
  EXPECT_NE(cache.Find("c"), nullptr);
}

TEST(StatusPageCacheTest, ForgetsBeyondItsBytes) {
  StatusPageCache cache(/*max_entries=*/100, /*max_bytes=*/10'000);
  for (int i = 0; i < 50; ++i) {
    cache.Keep(absl::StrCat(i), SomeEntry("e", 4'000));
  }
  EXPECT_EQ(cache.Find("47"), nullptr);
  EXPECT_NE(cache.Find("48"), nullptr);
  EXPECT_NE(cache.Find("49"), nullptr);
  cache.Keep("huge", SomeEntry("e", 20'000));
  EXPECT_EQ(cache.Find("huge"), nullptr);
  EXPECT_NE(cache.Find("49"), nullptr);
}

TEST(StatusPageCacheTest, WhatWasFoundOutlivesBeingForgotten) {
  StatusPageCache cache(/*max_entries=*/1);
  cache.Keep("a", SomeEntry("a"));
  const auto found = cache.Find("a");
  cache.Keep("b", SomeEntry("b"));
  EXPECT_EQ(found->etag, "a");
}

}  // namespace
}  // namespace lamplighter::provider
