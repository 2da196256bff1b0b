#include "services/ingest/forges/event_parts.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "proto/lamplighter/v1/events.pb.h"
#include "services/ingest/json_parser.h"
#include "simdjson.h"

namespace lamplighter::ingest {
namespace {

v1::GitEvent Place(const std::string& provider_type, const std::string& url,
                   const std::string& full_name = "",
                   const std::string& instance = "") {
  v1::GitEvent event;
  event.set_provider_type(provider_type);
  event.set_instance(instance);
  event.mutable_repository()->set_full_name(full_name);
  SetPlace(url, event, *event.mutable_repository());
  return event;
}

TEST(SetPlace, IsHostAndPathInLowerCase) {
  const v1::GitEvent event =
      Place("github", "https://GitHub.com/Lamp/Lighter", "Lamp/Lighter");
  EXPECT_EQ(event.instance(), "github.com");
  EXPECT_EQ(event.repository().id(), "github.com/lamp/lighter");
}

TEST(SetPlace, KeepsThePathThatTheForgeIsServedUnder) {
  const v1::GitEvent event =
      Place("gitlab", "https://example.com/Tools/Git/a/b.git", "A/B");
  EXPECT_EQ(event.instance(), "example.com/tools/git");
  EXPECT_EQ(event.repository().id(), "example.com/tools/git/a/b");
}

TEST(SetPlace, KeepsPortsThatAreNotTheSchemesOwn) {
  const auto id = [](const std::string& url) {
    return Place("gitea", url, "a/b").repository().id();
  };
  EXPECT_EQ(id("http://forge:3000/a/b"), "forge:3000/a/b");
  EXPECT_EQ(id("http://forge:80/a/b"), "forge/a/b");
  EXPECT_EQ(id("https://me:secret@forge/a/b?x=1#y"), "forge/a/b");
}

TEST(SetPlace, TakesTheConfiguredInstanceOverTheAddress) {
  const v1::GitEvent event =
      Place("gitea", "http://inside:3000/a/b", "a/b", "forge.example/git");
  EXPECT_EQ(event.instance(), "forge.example/git");
  EXPECT_EQ(event.repository().id(), "forge.example/git/a/b");
}

TEST(SetPlace, TellsTheFullNameWhereTheForgeGaveNone) {
  const v1::GitEvent dc = Place(
      "bitbucketserver", "https://dc.example/ctx/projects/PRJ/repos/R/browse");
  EXPECT_EQ(dc.repository().id(), "dc.example/ctx/prj/r");
  EXPECT_EQ(dc.repository().full_name(), "PRJ/R");
  EXPECT_EQ(dc.instance(), "dc.example/ctx");
  const v1::GitEvent azure =
      Place("azuredevops", "https://dev.azure.com/org/My%20Proj/_git/Repo");
  EXPECT_EQ(azure.repository().id(), "dev.azure.com/org/my proj/repo");
  EXPECT_EQ(azure.repository().full_name(), "My Proj/Repo");
  EXPECT_EQ(azure.instance(), "dev.azure.com/org");
}

TEST(SetPlace, SetsNothingForOtherAddresses) {
  for (const char* url :
       {"", "forge/a/b", "https://forge/x/y", "https://forge/xa/b",
        "https:///a/b", "https://forge/a%2Fb", "https://forge"}) {
    const v1::GitEvent event = Place("gitea", url, "a/b");
    EXPECT_EQ(event.repository().id(), "") << url;
    EXPECT_EQ(event.instance(), "") << url;
  }
}

TEST(SetPlace, SetsNothingThatNoConsumerCouldRead) {
  for (const char* full_name : {"", "a/\xff", "\xff/b"}) {
    for (const char* url : {"https://forge/a/%FF", "https://forge/%ff/b"}) {
      const v1::GitEvent event = Place("gitea", url, full_name);
      EXPECT_EQ(event.repository().id(), "");
      EXPECT_EQ(event.repository().full_name(), full_name);
    }
  }
  v1::GitEvent event;
  event.set_provider_type("gitea");
  EXPECT_EQ(IdAt("https://forge/a/%FF", event), "");
}

TEST(PreviousId, HasTheOldNameOrOwnerInThePlaceOfTheNewOne) {
  const v1::GitEvent event =
      Place("github", "https://github.com/Lamp/Lighter", "Lamp/Lighter");
  EXPECT_EQ(PreviousId(event, "", "Old"), "github.com/lamp/old");
  EXPECT_EQ(PreviousId(event, "Ada", ""), "github.com/ada/lighter");
  EXPECT_EQ(PreviousId(v1::GitEvent(), "Ada", ""), "");
}

TEST(AddRef, SeesThatARefIsNewOrGoneOrMoved) {
  v1::GitEvent event;
  AddRef("refs/heads/a", "0000", "2", event);
  AddRef("refs/heads/b", "1", "", event);
  AddRef("refs/heads/c", "1", "2", event);
  EXPECT_EQ(event.type(), v1::GitEvent::PUSH);
  ASSERT_EQ(event.push().refs_size(), 3);
  EXPECT_EQ(event.push().refs(0).action(), v1::RefUpdate::CREATED);
  EXPECT_EQ(event.push().refs(0).before(), "");
  EXPECT_EQ(event.push().refs(1).action(), v1::RefUpdate::DELETED);
  EXPECT_EQ(event.push().refs(1).after(), "");
  EXPECT_EQ(event.push().refs(2).action(), v1::RefUpdate::UPDATED);
}

TEST(AddRef, SaysNothingOfARefThatMovedFromNowhereToNowhere) {
  v1::GitEvent event;
  EXPECT_EQ(AddRef("refs/heads/a", "000", "000", event), nullptr);
  EXPECT_EQ(AddRef("", "1", "2", event), nullptr);
  EXPECT_FALSE(event.has_push());
}

// As seconds and nanoseconds, or nothing.
std::string Occurred(const std::string& value) {
  JsonParser parser;
  const std::string json = absl::StrCat(R"({"a": {"t": )", value, "}}");
  simdjson::dom::object body;
  EXPECT_EQ(parser.Parse(json)->get(body), simdjson::SUCCESS);
  v1::GitEvent event;
  SetOccurred(body, "a/t", event);
  if (!event.has_occurred_at()) return "";
  return absl::StrCat(event.occurred_at().seconds(), ".",
                      event.occurred_at().nanos());
}

TEST(SetOccurred, ReadsTheTimeAsEachForgeWritesIt) {
  for (const char* time :
       {R"("2026-03-04T05:06:07Z")", R"("2026-03-04T07:06:07+02:00")",
        R"("2026-03-04T05:06:07+0000")", R"("2026-03-04 05:06:07 UTC")",
        "1772600767", "1772600767000"}) {
    EXPECT_EQ(Occurred(time), "1772600767.0") << time;
  }
  EXPECT_EQ(Occurred(R"("2026-03-04T05:06:07.1234567Z")"),
            "1772600767.123456700");
}

TEST(SetOccurred, LeavesOutWhatIsNoTime) {
  for (const char* time :
       {R"("")", R"("now")", R"("infinite-future-infinite")", "null", "[]",
        "1.5", "9223372036854775807", "-9223372036854775808",
        R"("2026-03-04T05:06:07Z and more")"}) {
    EXPECT_EQ(Occurred(time), "") << time;
  }
}

}  // namespace
}  // namespace lamplighter::ingest
