#include "services/reposync/store/search_query.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/reposync/store/search_index.h"

namespace lamplighter::reposync {
namespace {

using testing::IsEmpty;

const std::string kTeam = ListOf(ListKind::kPathWord, "team");
const std::string kRare = ListOf(ListKind::kPathWord, "rare");
const std::string kOther = ListOf(ListKind::kPathWord, "other");

// 1,000 repositories: all of team, 10 of them rare, 500 other, and of a
// third it is said.
SearchSample Sample() {
  std::vector<SearchSample::Row> rows;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = absl::StrCat(i % 100 == 0 ? "rare" : "x", "-",
                                          i % 2 == 0 ? "other" : "y");
    rows.push_back(
        {i, {name, absl::StrCat("team/", name), i % 3 == 0 ? "third" : ""}});
  }
  return SearchSample(Dialect::kSqlite, std::move(rows));
}

IndexQuery In(const SearchSample& sample, const std::string& list) {
  return InLists(Dialect::kSqlite, sample, {list});
}

TEST(IndexQuery, AsksForWhatIsRareAndLeavesOutWhatIsInAll) {
  const SearchSample sample = Sample();
  const IndexQuery all =
      AllOf(Dialect::kSqlite, {In(sample, kTeam), In(sample, kRare)});
  EXPECT_EQ(all.match, absl::StrCat("\"", kRare, "\""));
  EXPECT_EQ(all.sampled.size(), 10);
}

TEST(IndexQuery, AsksForAllThatLeaveOutMuch) {
  const SearchSample sample = Sample();
  const IndexQuery all =
      AllOf(Dialect::kSqlite,
            {In(sample, kOther),
             In(sample, ListOf(ListKind::kDescriptionWord, "third"))});
  EXPECT_EQ(all.sampled.size(), 167);
  EXPECT_EQ(all.match, "(\"dthird\" AND \"pother\")");
}

TEST(IndexQuery, DoesNotAskForWhatFindsOnlySomeUnlessThatIsAll) {
  const SearchSample sample = Sample();
  IndexQuery some = In(sample, kRare);
  some.finds_all = false;
  const IndexQuery all = AllOf(Dialect::kSqlite, {some, In(sample, kOther)});
  EXPECT_EQ(all.match, absl::StrCat("\"", kOther, "\""));
  EXPECT_TRUE(all.finds_all);
  EXPECT_FALSE(AllOf(Dialect::kSqlite, {some, some}).finds_all);
  EXPECT_FALSE(AnyOf(Dialect::kSqlite, {some, In(sample, kOther)}).finds_all);
}

TEST(IndexQuery, FindsNothingWhereOneOfAllDoes) {
  const SearchSample sample = Sample();
  const IndexQuery nothing = InLists(Dialect::kSqlite, sample, {});
  EXPECT_THAT(nothing.match, IsEmpty());
  EXPECT_THAT(AllOf(Dialect::kSqlite, {In(sample, kRare), nothing}).match,
              IsEmpty());
  EXPECT_EQ(AnyOf(Dialect::kSqlite, {In(sample, kRare), nothing}).match,
            absl::StrCat("\"", kRare, "\""));
}

TEST(IndexQuery, IsWrittenAsEachDatabaseHasIt) {
  const SearchSample sample = Sample();
  EXPECT_EQ(InLists(Dialect::kSqlite, sample, {"pa", "pb"}).match,
            "(\"pa\" OR \"pb\")");
  EXPECT_EQ(InLists(Dialect::kPostgresql, sample, {"pa", "pb"}).match,
            "('pa' | 'pb')");
  EXPECT_THAT(InLists(Dialect::kSqlite, sample, {kRare, kTeam}).sampled,
              testing::SizeIs(1000));
}

}  // namespace
}  // namespace lamplighter::reposync
