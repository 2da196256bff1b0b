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
  std::vector<SearchText> rows;
  for (int i = 0; i < 1000; ++i) {
    const std::string name = absl::StrCat(i % 100 == 0 ? "rare" : "x", "-",
                                          i % 2 == 0 ? "other" : "y");
    rows.push_back(
        {name, absl::StrCat("team/", name), i % 3 == 0 ? "third" : ""});
  }
  return SearchSample(rows, 1);
}

class IndexQueriesTest : public testing::Test {
 protected:
  IndexQuery In(const std::string& list) const {
    return queries_.InLists({list});
  }

  const SearchSample sample_ = Sample();
  const IndexQueries queries_{Dialect::kSqlite, sample_};
};

TEST_F(IndexQueriesTest, AsksForWhatIsRareAndLeavesOutWhatIsInAll) {
  const IndexQuery all = queries_.AllOf({In(kTeam), In(kRare)});
  EXPECT_EQ(all.match, absl::StrCat("\"", kRare, "\""));
  EXPECT_EQ(all.rows, 10);
}

TEST_F(IndexQueriesTest, AsksForAllThatLeaveOutMuch) {
  const IndexQuery all = queries_.AllOf(
      {In(kOther), In(ListOf(ListKind::kDescriptionWord, "third"))});
  EXPECT_EQ(all.rows, 167);
  EXPECT_EQ(all.sampled.size(), 167);
  EXPECT_EQ(all.match, "(\"dthird\" AND \"pother\")");
}

TEST_F(IndexQueriesTest, TellsHowManyThereAreByWhatEachRowStandsFor) {
  const SearchSample sample(
      {{"a", "x/a", ""}, {"b", "x/b", ""}, {"a", "y/a", ""}}, 10);
  const IndexQueries queries(Dialect::kSqlite, sample);
  const IndexQuery either = queries.InLists({"pa", "px"});
  EXPECT_EQ(either.rows, 30);
  EXPECT_EQ(either.read, 40);
  EXPECT_EQ(either.lists, 2);
  EXPECT_EQ(
      queries.AllOf({queries.InLists({"pa"}), queries.InLists({"px"})}).rows,
      10);
}

TEST_F(IndexQueriesTest, DoesNotAskForWhatFindsOnlySomeUnlessThatIsAll) {
  IndexQuery some = In(kRare);
  some.finds_all = false;
  const IndexQuery all = queries_.AllOf({some, In(kOther)});
  EXPECT_EQ(all.match, absl::StrCat("\"", kOther, "\""));
  EXPECT_TRUE(all.finds_all);
  EXPECT_FALSE(queries_.AllOf({some, some}).finds_all);
  EXPECT_FALSE(queries_.AnyOf({some, In(kOther)}).finds_all);
}

TEST_F(IndexQueriesTest, FindsNothingWhereOneOfAllDoes) {
  const IndexQuery nothing = queries_.InLists({});
  EXPECT_THAT(nothing.match, IsEmpty());
  EXPECT_THAT(queries_.AllOf({In(kRare), nothing}).match, IsEmpty());
  EXPECT_EQ(queries_.AnyOf({In(kRare), nothing}).match,
            absl::StrCat("\"", kRare, "\""));
}

TEST_F(IndexQueriesTest, AsksPostgresqlForAllThatBeginSo) {
  const IndexQueries queries(Dialect::kPostgresql, sample_);
  const IndexQuery all = queries.InListsThatBegin("p", {kRare, kOther}, false);
  EXPECT_EQ(all.match, "'p':*");
  EXPECT_TRUE(all.finds_all);
  EXPECT_EQ(all.rows, 500);  // at least
  EXPECT_EQ(queries.InListsThatBegin("pr", {kRare}, true).match, "'prare'");
  const IndexQuery some =
      queries_.InListsThatBegin("p", {kRare, kOther}, false);
  EXPECT_EQ(some.match, "(\"prare\" OR \"pother\")");
  EXPECT_FALSE(some.finds_all);
}

TEST_F(IndexQueriesTest, IsWrittenAsEachDatabaseHasIt) {
  EXPECT_EQ(queries_.InLists({"pa", "pb"}).match, "(\"pa\" OR \"pb\")");
  EXPECT_EQ(
      IndexQueries(Dialect::kPostgresql, sample_).InLists({"pa", "pb"}).match,
      "('pa' | 'pb')");
  EXPECT_EQ(queries_.InLists({kRare, kTeam}).rows, 1000);
}

}  // namespace
}  // namespace lamplighter::reposync
