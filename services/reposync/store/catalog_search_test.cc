#include "services/reposync/store/catalog_search.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status/testing/status_matchers.h"
#include "services/reposync/store/search_text.h"
#include "services/reposync/store/testing/catalog_fixture.h"

namespace lamplighter::reposync {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using v1::CatalogRepository;

class CatalogSearchTest : public CatalogFixture {
 protected:
  // All at once.
  void PutAll(const std::vector<CatalogRepository>& repositories) {
    ASSERT_THAT(Run(database_->Write<WrittenRows>(
                    [&repositories](Transaction& transaction) {
                      return WriteRepositories(
                          transaction, {"a", "github", "github.com"}, 0,
                          absl::UnixEpoch() + absl::Hours(1), repositories);
                    })),
                IsOk());
  }
};
LAMPLIGHTER_ON_BOTH_DATABASES(CatalogSearchTest);

TEST_P(CatalogSearchTest, SearchRanksNamesBeforePathsBeforeDescriptions) {
  Put(Repository("1", "acme/other", "about the web"));
  Put(Repository("2", "webbing/thing"));
  Put(Repository("3", "acme/my-web-shop"));
  Put(Repository("4", "acme/website"));
  Put(Repository("5", "longer-group/web"));
  Put(Repository("6", "acme/WEB"));
  Put(Repository("7", "acme/none"));
  EXPECT_THAT(Search("Web"),
              ElementsAre("acme/WEB", "longer-group/web", "acme/website",
                          "acme/my-web-shop", "webbing/thing", "acme/other"));
  v1::SearchRepositoriesRequest request;
  request.set_query("web");
  request.set_limit(2);
  EXPECT_THAT(PathsOf(*Run(catalog_->Search(request))),
              ElementsAre("acme/WEB", "longer-group/web"));
}

TEST_P(CatalogSearchTest, SearchWantsAllWordsWhereverTheyAre) {
  Put(Repository("1", "acme/web", "Shop of Acme"));
  Put(Repository("2", "acme/api", "serves the web"));
  Put(Repository("3", "beta/web"));
  EXPECT_THAT(Search("acme web"), ElementsAre("acme/web", "acme/api"));
  EXPECT_THAT(Search("acme/web"), ElementsAre("acme/web"));
  EXPECT_THAT(Search("web shop"), ElementsAre("acme/web"));
}

TEST_P(CatalogSearchTest, SearchTakesShortWordsAsNamesAndToNarrowDown) {
  Put(Repository("1", "acme/ui"));
  Put(Repository("2", "acme/uikit"));
  Put(Repository("3", "acme/build-ui"));
  Put(Repository("4", "acme/c"));
  EXPECT_THAT(Search("ui"), ElementsAre("acme/ui", "acme/uikit"));
  EXPECT_THAT(Search("c"), ElementsAre("acme/c"));
  EXPECT_THAT(Search("build ui"), ElementsAre("acme/build-ui"));
}

TEST_P(CatalogSearchTest, SearchFindsWhatIsNearWhereNothingMatches) {
  Put(Repository("1", "acme/kubernetes-tools"));
  Put(Repository("2", "acme/kubelet"));
  Put(Repository("3", "acme/other"));
  EXPECT_THAT(Search("kuberntes"), ElementsAre("acme/kubernetes-tools"));
  EXPECT_THAT(Search("zzzzzz"), IsEmpty());
}

TEST_P(CatalogSearchTest, SearchTakesTextAsItIsNotAsALanguage) {
  Put(Repository("1", "acme/100%_sure", "it's \"quoted\" \\ AND (odd) NEAR*"));
  Put(Repository("2", "acme/100xxsure"));
  for (const char* query :
       {"100%", "%_su", "\"quoted\"", "(odd)", "near*", "it's", "AND"}) {
    EXPECT_THAT(Search(query), ElementsAre("acme/100%_sure")) << query;
  }
  v1::SearchRepositoriesRequest request;
  for (const std::string& query :
       {std::string(), std::string(" \t"), std::string(257, 'a'),
        std::string("a b c d e f g h i")}) {
    request.set_query(query);
    EXPECT_THAT(Run(catalog_->Search(request)),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST_P(CatalogSearchTest, SearchKnowsNoCaseBeyondEnglish) {
  Put(Repository("1", "acme/a", "Ärzte und ЯБЛОКО, Ελλάδα"));
  for (const char* query : {"ärzte", "ÄRZTE", "яблоко", "ΕΛΛ"}) {
    EXPECT_THAT(Search(query), ElementsAre("acme/a")) << query;
  }
}

TEST_P(CatalogSearchTest, SearchFindsPartsOfWhatIsLong) {
  const std::string word =
      std::string(100, 'x') + "needle" + std::string(100, 'y');
  const std::string name = std::string(250, 'n');
  Put(Repository("1", "acme/a", "see " + word + " there"));
  Put(Repository("2", "acme/" + name));
  Put(Repository("3", "acme/c", std::string(10'000, 'z') + " end"));
  for (const std::string& query :
       {std::string("needle"), std::string("xneedley"),
        "x" + word.substr(90, 26), word.substr(0, 80), word}) {
    EXPECT_THAT(Search(query), ElementsAre("acme/a")) << query;
  }
  for (const std::string& query :
       {name, name.substr(0, 40), "acme/" + name.substr(0, 240)}) {
    EXPECT_THAT(Search(query), ElementsAre("acme/" + name)) << query;
  }
  // Of a long description, the first characters.
  EXPECT_THAT(Search("zzz"), ElementsAre("acme/c"));
  EXPECT_THAT(Search("end"), IsEmpty());
}

TEST_P(CatalogSearchTest, SearchFindsWhatIsOfVeryManyParts) {
  std::string name;
  for (int i = 0; name.size() < 240; ++i) {
    absl::StrAppend(&name, i == 0 ? "" : "-", i % 3 == 0 ? "ab" : "abc", i);
  }
  Put(Repository("1", "acme/" + name));
  Put(Repository("2", "acme/other"));
  std::string misspelt = name;
  misspelt.insert(misspelt.find("abc10") + 3, "x");
  for (const std::string& query : {name, name.substr(1), misspelt}) {
    EXPECT_THAT(Search(query), ElementsAre("acme/" + name)) << query;
  }
}

TEST_P(CatalogSearchTest, SearchHeedsTheFilter) {
  Put(Repository("1", "acme/web"));
  Put(Repository("2", "beta/web"), "b");
  CatalogRepository archived = Repository("3", "acme/webold");
  archived.set_archived(true);
  Put(archived);
  v1::RepositoryFilter filter;
  filter.add_connections("b");
  EXPECT_THAT(Search("web", filter), ElementsAre("beta/web"));
  filter.Clear();
  filter.set_include_archived(true);
  filter.set_group("acme");
  EXPECT_THAT(Search("web", filter), ElementsAre("acme/web", "acme/webold"));
}

TEST_P(CatalogSearchTest, OfManyThatMatchTheBestComeFirstAllTheSame) {
  std::vector<v1::CatalogRepository> many;
  for (int i = 0; i < 300; ++i) {
    many.push_back(
        Repository(absl::StrCat(i), absl::StrCat("web/r", 1000 + i)));
  }
  many.push_back(Repository("is", "much-longer-group/web"));
  many.push_back(Repository("begins", "much-longer-group/website"));
  many.push_back(Repository("has", "much-longer-group/my-web"));
  PutAll(many);
  v1::SearchRepositoriesRequest request;
  request.set_query("web");
  request.set_limit(4);
  EXPECT_THAT(PathsOf(*Run(catalog_->Search(request))),
              ElementsAre("much-longer-group/web", "much-longer-group/website",
                          "much-longer-group/my-web", "web/r1000"));
}

TEST_P(CatalogSearchTest, FindsWhatANarrowFilterLeavesOfVeryMany) {
  std::vector<v1::CatalogRepository> many;
  for (int i = 0; i < 2000; ++i) {
    many.push_back(
        Repository(absl::StrCat(i), absl::StrCat("web/r", 1000 + i)));
  }
  many.push_back(Repository("last", "of-web/last"));
  PutAll(many);
  v1::RepositoryFilter filter;
  filter.set_group("of-web");
  EXPECT_THAT(Search("web", filter), ElementsAre("of-web/last"));
}

TEST_P(CatalogSearchTest, OfVeryManyWordsThatBeginSoTheShortestComesFirst) {
  std::vector<v1::CatalogRepository> many;
  for (int i = 0; i < 150; ++i) {
    many.push_back(
        Repository(absl::StrCat(i), absl::StrCat("acme/web", 1000 + i)));
  }
  PutAll(many);
  Put(Repository("last", "acme/webs"));
  const std::vector<std::string> found = Search("web");
  ASSERT_EQ(found.size(), 20);
  // SQLite looks for the oldest of these words.
  EXPECT_EQ(found[0] == "acme/webs",
            database_->dialect() == Dialect::kPostgresql);
}

// What Search() is to find, by looking at each, of which an earlier one has the
// lower id.
std::vector<std::string> FindByLooking(
    const std::vector<CatalogRepository>& repositories,
    const std::string& query, size_t limit) {
  std::vector<std::string> found;
  for (const SearchClauses& tier : SearchTiers(*SearchWords(query))) {
    std::vector<std::pair<size_t, size_t>> of_tier;  // length and place
    for (size_t i = 0; i < repositories.size(); ++i) {
      if (Matches(SearchTextOf(repositories[i]), tier)) {
        of_tier.emplace_back(repositories[i].path().size(), i);
      }
    }
    std::sort(of_tier.begin(), of_tier.end());
    for (const auto& [length, i] : of_tier) {
      const std::string& path = repositories[i].path();
      if (found.size() < limit &&
          std::find(found.begin(), found.end(), path) == found.end()) {
        found.push_back(path);
      }
    }
  }
  return found;
}

TEST_P(CatalogSearchTest, FindsWhatLookingAtEachFindsHoweverManyThereAre) {
  constexpr const char* kWords[] = {"web",  "website", "shop", "api",
                                    "rest", "cat-web", "ap",   "shopping"};
  std::mt19937 random(7);  // NOLINT: the same each time
  const auto words = [&](int count, const char* between) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&text, i == 0 ? "" : between, kWords[random() % 8]);
    }
    return text;
  };
  std::vector<CatalogRepository> all;
  for (int i = 0; i < 600; ++i) {
    all.push_back(Repository(
        absl::StrCat(i),
        absl::StrCat(words(1 + random() % 2, "_"), "/",
                     words(1 + random() % 3, "-"), i % 3 == 0 ? "" : "-",
                     i % 3 == 0 ? "" : absl::StrCat(i)),
        words(random() % 4, " ")));
  }
  // Of one path there is one only.
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.path() < b.path(); });
  all.erase(std::unique(all.begin(), all.end(),
                        [](const auto& a, const auto& b) {
                          return a.path() == b.path();
                        }),
            all.end());
  PutAll(all);
  const auto compare = [&] {
    for (const std::string& query :
         {"web",           "shop",
          "web shop",      "rest api",
          "b-sh",          "ap/w",
          "website",       "shop 12",
          "ap web",        "shopping website cat-web",
          "hoppi",         "st_a",
          "api-1",         "nothing",
          "-web",          "web-",
          "/web",          "e_ap/",
          "b-1",           "cat-",
          "shop_ap/web-4", "ap api-2",
          "web-shop web"}) {
      for (const int limit : {1, 20, 100}) {
        v1::SearchRepositoriesRequest request;
        request.set_query(query);
        request.set_limit(limit);
        EXPECT_EQ(PathsOf(*Run(catalog_->Search(request))),
                  FindByLooking(all, query, limit))
            << query << ", " << limit;
      }
    }
  };
  compare();
  // Nothing else comes of what Search() knows of the catalog as a whole.
  ASSERT_THAT(Run(catalog_->TakeSample()), IsOk());
  while (*Run(catalog_->MergeSearchIndex())) {
  }
  compare();
}

}  // namespace
}  // namespace lamplighter::reposync
