#include "services/ingest/forges/payload.h"

#include "gtest/gtest.h"

namespace lamplighter::ingest {
namespace {

TEST(PlaceOf, IsHostAndPathInLowerCase) {
  const RepositoryPlace place =
      PlaceOf("https://GitHub.com/Lamp/Lighter", "Lamp/Lighter");
  EXPECT_EQ(place.instance, "github.com");
  EXPECT_EQ(place.id, "github.com/lamp/lighter");
}

TEST(PlaceOf, KeepsThePathThatTheForgeIsServedUnder) {
  const RepositoryPlace place =
      PlaceOf("https://example.com/Tools/Git/a/b.git", "A/B");
  EXPECT_EQ(place.instance, "example.com/tools/git");
  EXPECT_EQ(place.id, "example.com/tools/git/a/b");
}

TEST(PlaceOf, KeepsPortsThatAreNotTheSchemesOwn) {
  EXPECT_EQ(PlaceOf("http://forge:3000/a/b", "a/b").id, "forge:3000/a/b");
  EXPECT_EQ(PlaceOf("http://forge:80/a/b", "a/b").id, "forge/a/b");
  EXPECT_EQ(PlaceOf("https://forge:443/a/b/", "a/b").id, "forge/a/b");
  EXPECT_EQ(PlaceOf("https://forge:80/a/b", "a/b").id, "forge:80/a/b");
}

TEST(PlaceOf, DropsWhatIsNoPartOfThePlace) {
  EXPECT_EQ(PlaceOf("https://me:secret@forge/a/b?x=1#y", "a/b").id,
            "forge/a/b");
}

TEST(PlaceOf, KeepsARepositoryWhoseNameEndsInGit) {
  EXPECT_EQ(PlaceOf("https://forge/a/legit", "a/legit").id, "forge/a/legit");
}

TEST(PlaceOf, IsEmptyForOtherAddresses) {
  EXPECT_EQ(PlaceOf("", "a/b").id, "");
  EXPECT_EQ(PlaceOf("forge/a/b", "a/b").id, "");
  EXPECT_EQ(PlaceOf("https://forge/x/y", "a/b").id, "");
  EXPECT_EQ(PlaceOf("https://forge/xa/b", "a/b").id, "");
  EXPECT_EQ(PlaceOf("https:///a/b", "a/b").id, "");
  EXPECT_EQ(PlaceOf("https://forge/a/b", "").id, "");
}

}  // namespace
}  // namespace lamplighter::ingest
