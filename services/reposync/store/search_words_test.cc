#include "services/reposync/store/search_words.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/reposync/store/testing/store_test_fixture.h"

namespace lamplighter::reposync {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// Words with what is before each: a space or nothing, a slash, something else.
std::vector<std::string> Shown(const std::string& text) {
  std::vector<std::string> shown;
  for (const Word& word : WordsOf(text)) {
    shown.push_back(absl::StrCat(word.seam == Seam::kNone    ? ""
                                 : word.seam == Seam::kSlash ? "/"
                                                             : "-",
                                 word.parts[0]));
  }
  return shown;
}

TEST(SearchWords, AreLettersAndDigitsInARow) {
  EXPECT_THAT(Shown("acme/my_app--2.go"),
              ElementsAre("acme", "/my", "-app", "-2", "-go"));
  EXPECT_THAT(Shown("in c++, f# and  яблоко"),
              ElementsAre("in", "c++", "f#", "and", "яблоко"));
  EXPECT_THAT(Shown("-_ /"), IsEmpty());
}

TEST(SearchWords, LongOnesAreSeveralThatOverlap) {
  const std::string word = absl::StrCat(
      std::string(32, 'a'), std::string(32, 'b'), std::string(32, 'c'), "dd");
  EXPECT_THAT(
      WordsOf(word)[0].parts,
      ElementsAre(word.substr(0, 64), word.substr(32, 64), word.substr(64)));
  EXPECT_THAT(WordsOf(word.substr(0, 64))[0].parts, SizeIs(1));
}

TEST(SearchWords, PartsSayWhereTheyAreInAWord) {
  const auto shown = [](const std::string& text, bool begins) {
    std::vector<std::string> shown;
    for (const WordPart& part : WordPartsOf(text, begins)) {
      shown.push_back(absl::StrCat(part.begins ? "^" : "", part.text,
                                   part.ends ? "$" : ""));
    }
    return shown;
  };
  EXPECT_THAT(shown("ame/my-a", false), ElementsAre("ame$", "^my$", "^a"));
  EXPECT_THAT(shown("ame/my-a", true), ElementsAre("^ame$", "^my$", "^a"));
  EXPECT_THAT(shown("-web-", false), ElementsAre("^web$"));
  EXPECT_THAT(shown("web", false), ElementsAre("web"));
  // What is cut does not end.
  EXPECT_THAT(shown(std::string(40, 'x') + "-y", false),
              ElementsAre(std::string(32, 'x'), "^y"));
}

class SearchWordsTest : public StoreTest {
 protected:
  void Add(const std::vector<std::string>& words) {
    ASSERT_THAT(Run(database_->Write<bool>(
                    [&words](Transaction& transaction) -> absl::StatusOr<bool> {
                      AddWords(transaction, words);
                      return true;
                    })),
                IsOk());
  }
  FoundWords Find(const std::string& text, bool begins, bool ends) {
    return *Run(database_->Read<FoundWords>(
        [&](Transaction& transaction) -> absl::StatusOr<FoundWords> {
          return FindWords(transaction, {{text, begins, ends}})[0];
        }));
  }
  std::vector<std::vector<std::string>> Near(
      const std::vector<std::string>& words) {
    using All = std::vector<std::vector<NearWord>>;
    const auto all = *Run(database_->Read<All>(
        [&](Transaction& transaction) -> absl::StatusOr<All> {
          return FindNearWords(transaction, words);
        }));
    std::vector<std::vector<std::string>> found;
    for (const std::vector<NearWord>& near : all) {
      found.emplace_back();
      for (const NearWord& one : near) found.back().push_back(one.word);
    }
    return found;
  }
  std::vector<std::string> Near(const std::string& word) {
    return Near(std::vector<std::string>{word})[0];
  }
};
LAMPLIGHTER_ON_BOTH_DATABASES(SearchWordsTest);

TEST_P(SearchWordsTest, AreFoundByTheirParts) {
  Add({"web", "website", "cobweb", "c++", "яблоко"});
  Add({"web", "webs"});
  EXPECT_THAT(Find("web", false, false).words,
              UnorderedElementsAre("web", "website", "cobweb", "webs"));
  EXPECT_THAT(Find("web", true, false).words,
              UnorderedElementsAre("web", "website", "webs"));
  EXPECT_THAT(Find("web", false, true).words,
              UnorderedElementsAre("web", "cobweb"));
  EXPECT_THAT(Find("we", true, false).words,
              UnorderedElementsAre("web", "website", "webs"));
  EXPECT_THAT(Find("c++", false, false).words, ElementsAre("c++"));
  EXPECT_THAT(Find("блок", false, false).words, ElementsAre("яблоко"));
  EXPECT_TRUE(Find("web", false, false).are_all);
  EXPECT_THAT(Find("other", false, false).words, IsEmpty());
  EXPECT_TRUE(Find("other", false, false).are_all);
  // Nobody has to look for the whole of one.
  EXPECT_THAT(Find("x", true, true).words, ElementsAre("x"));
}

TEST_P(SearchWordsTest, SaysWhereItHasNotFoundAll) {
  std::vector<std::string> words;
  for (int i = 0; i < 300; ++i) words.push_back(absl::StrCat("web", i));
  Add({"first-web"});
  Add(words);
  const FoundWords found = Find("web", false, false);
  EXPECT_FALSE(found.are_all);
  EXPECT_THAT(found.words, Contains("first-web"));
  EXPECT_FALSE(Find("we", false, false).are_all);
  EXPECT_THAT(Find("we", false, false).words, IsEmpty());
}

TEST_P(SearchWordsTest, WhatWasMeantIsNear) {
  Add({"kubernetes", "kubelet", "internet", "billing", "bill"});
  EXPECT_EQ(Near("kuberntes")[0], "kubernetes");
  EXPECT_EQ(Near("biling")[0], "billing");
  EXPECT_EQ(Near("billing")[0], "billing");
  EXPECT_THAT(Near("zzzzzz"), IsEmpty());
  EXPECT_THAT(Near("bi"), IsEmpty());
  // Each once, however many halves have it, and of several words at once.
  EXPECT_THAT(Near(std::vector<std::string>{"billin", "bi", "internets"}),
              ElementsAre(ElementsAre("billing", "bill"), IsEmpty(),
                          ElementsAre("internet")));
}

}  // namespace
}  // namespace lamplighter::reposync
