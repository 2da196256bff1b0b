// What a router has to know of an event's object, and makes of it.

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/router/router.h"
#include "services/dispatcher/router/testing/router_fixture.h"

namespace lamplighter::dispatcher {
namespace {

using Labels = AlertIndex::Labels;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(RouterTest, AsksForTheSourceWhereTheEventDoesNotNameARepository) {
  TheProvider().address = "https://github.com/Acme";
  TheProvider().annotations["lamplighter.dev/account"] = "true";
  KnownObject object;
  EXPECT_EQ(router_.Route(event_, object).lack, Routes::Lack::kSourceUrl);

  object.source_url = "ssh://git@github.com/acme/Web.git";
  const Routes routes = router_.Route(event_, object);
  EXPECT_EQ(routes.lack, Routes::Lack::kNothing);
  EXPECT_EQ(routes.intents.at(0).repository_id(), "github.com/acme/web");

  object.source_url = absl::NotFoundError("HelmRelease apps/web names none");
  const v1::DeadLetter unknown =
      router_.Route(event_, object).dead_letters.at(0);
  EXPECT_EQ(unknown.reason(), v1::DeadLetter::NO_REVISION);
  EXPECT_THAT(unknown.detail(),
              AllOf(HasSubstr("event.toolkit.fluxcd.io/repository"),
                    HasSubstr("HelmRelease apps/web names none")));

  object.source_url = absl::PermissionDeniedError("grant get of all");
  const v1::DeadLetter denied =
      router_.Route(event_, object).dead_letters.at(0);
  EXPECT_EQ(denied.reason(), v1::DeadLetter::BAD_CONFIGURATION);
  EXPECT_THAT(denied.detail(), HasSubstr("grant get of all"));

  // What the event says itself needs no look-up, nor does what has no commit.
  SetMetadata("repository", "https://github.com/acme/api");
  EXPECT_EQ(router_.Route(event_, {}).intents.at(0).repository_id(),
            "github.com/acme/api");
  event_.mutable_metadata()->erase("kustomize.toolkit.fluxcd.io/repository");
  SetMetadata("revision", "6.6.1");
  EXPECT_EQ(router_.Route(event_, {}).lack, Routes::Lack::kNothing);
}

TEST_F(RouterTest, AsksForLabelsOnlyWhereTheyDecideAboutAStatus) {
  Alert& alert = AddAlert("alert", "github-status");
  alert.event_sources[0].match_labels = Labels{{"team", "a"}};
  EXPECT_EQ(router_.Route(event_, {}).lack, Routes::Lack::kLabels);
  event_.set_reason("Progressing");
  EXPECT_EQ(router_.Route(event_, {}).lack, Routes::Lack::kNothing)
      << "the Provider does not set pending";
  TheProvider().annotations["lamplighter.dev/pending"] = "true";
  EXPECT_EQ(router_.Route(event_, {}).lack, Routes::Lack::kLabels);
  event_.set_reason("ReconciliationSucceeded");
  TheProvider().suspend = true;
  EXPECT_EQ(router_.Route(event_, {}).lack, Routes::Lack::kNothing);
  alert.provider_ref = "chat";
  source_.manifests.other_providers.insert({"flux-system", "chat"});
  EXPECT_EQ(router_.Route(event_, {}).lack, Routes::Lack::kNothing);
}

TEST_F(RouterTest, MatchesLabelsOnceTheyAreKnown) {
  AddAlert("alert", "github-status").event_sources[0].match_labels =
      Labels{{"team", "a"}};
  const auto labelled = [](const std::string& team) {
    KnownObject object;
    object.labels = std::make_shared<const Labels>(Labels{{"team", team}});
    return object;
  };
  EXPECT_THAT(router_.Route(event_, labelled("a")).intents, SizeIs(1));
  const Routes other = router_.Route(event_, labelled("b"));
  EXPECT_THAT(other.intents, IsEmpty());
  EXPECT_THAT(other.dead_letters, IsEmpty());
  KnownObject gone;
  gone.labels = absl::NotFoundError("no such object");
  const Routes none = router_.Route(event_, gone);
  EXPECT_THAT(none.intents, IsEmpty());
  EXPECT_THAT(none.dead_letters, IsEmpty()) << "as in notification-controller";
}

TEST_F(RouterTest, SaysOnceWhatToGrantWhereLabelsCannotBeTold) {
  AddAlert("plain", "github-status");
  for (const char* name : {"alert", "another"}) {
    AddAlert(name, "github-status").event_sources[0].match_labels =
        Labels{{"team", "a"}};
  }
  KnownObject object;
  object.labels = absl::PermissionDeniedError("grant get of kustomizations");
  const Routes routes = router_.Route(event_, object);
  EXPECT_THAT(routes.intents, SizeIs(1)) << "that of the plain one";
  ASSERT_THAT(routes.dead_letters, SizeIs(1));
  EXPECT_EQ(routes.dead_letters[0].reason(), v1::DeadLetter::BAD_CONFIGURATION);
  EXPECT_THAT(routes.dead_letters[0].detail(),
              AllOf(HasSubstr("matchLabels"),
                    HasSubstr("grant get of kustomizations")));
  event_.mutable_involved_object()->set_kind("HelmRelease");
  EXPECT_THAT(router_.Route(event_, object).dead_letters, IsEmpty());
}

}  // namespace
}  // namespace lamplighter::dispatcher
