#include "services/dispatcher/router/router.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/router/testing/router_fixture.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(RouterTest, MakesOfASuccessTheStatusThatFluxSets) {
  const Routes routes = router_.Route(event_);
  ASSERT_THAT(routes.intents, SizeIs(1));
  EXPECT_THAT(routes.dead_letters, IsEmpty());
  const v1::StatusIntent& intent = routes.intents[0];
  EXPECT_EQ(intent.id(), "event-1/flux-system/github-status/alert");
  EXPECT_EQ(intent.event_id(), "event-1");
  EXPECT_EQ(intent.provider().namespace_(), "flux-system");
  EXPECT_EQ(intent.provider().name(), "github-status");
  EXPECT_EQ(intent.repository_id(), "github.com/acme/fleet");
  EXPECT_EQ(intent.sha(), kSha);
  EXPECT_EQ(intent.context(), "kustomization/apps/0c9c2e41");
  EXPECT_EQ(intent.state(), v1::SUCCESS);
  EXPECT_EQ(intent.description(), "reconciliation succeeded");
  EXPECT_EQ(intent.event_time().seconds(), 1000);
  EXPECT_EQ(intent.cluster(), "prod");
  EXPECT_EQ(intent.involved_object().name(), "apps");
}

TEST_F(RouterTest, MakesOfAnErrorAFailureThatTellsWhy) {
  Fail();
  event_.mutable_metadata()->erase("kustomize.toolkit.fluxcd.io/commit_status");
  const Routes routes = router_.Route(event_);
  ASSERT_THAT(routes.intents, SizeIs(1));
  EXPECT_EQ(routes.intents[0].state(), v1::FAILURE);
  EXPECT_EQ(routes.intents[0].description(),
            "health check failed: timeout waiting for: [Deployment/web]");
}

TEST_F(RouterTest, TakesTheTimeOfReceiptWhereTheEventHasNone) {
  event_.clear_timestamp();
  EXPECT_EQ(router_.Route(event_).intents.at(0).event_time().seconds(), 2000);
}

TEST_F(RouterTest, IgnoresWhatIsNotMeantForStatusesOrMatchesNoAlert) {
  event_.set_message("Health check passed in 21ms");
  event_.mutable_metadata()->erase("kustomize.toolkit.fluxcd.io/commit_status");
  EXPECT_THAT(router_.Route(event_).intents, IsEmpty());
  Fail();
  event_.mutable_involved_object()->set_kind("HelmRelease");
  const Routes routes = router_.Route(event_);
  EXPECT_THAT(routes.intents, IsEmpty());
  EXPECT_THAT(routes.dead_letters, IsEmpty());
}

TEST_F(RouterTest, SetsPendingOnGiteaOnly) {
  event_.set_reason("Progressing");
  EXPECT_THAT(router_.Route(event_).intents, IsEmpty());
  TheProvider().type = "gitea";
  EXPECT_EQ(router_.Route(event_).intents.at(0).state(), v1::PENDING);
}

TEST_F(RouterTest, SetsPendingWhereAProviderAsksForIt) {
  event_.mutable_metadata()->erase("kustomize.toolkit.fluxcd.io/commit_status");
  event_.set_reason("Progressing");
  TheProvider().annotations["lamplighter.dev/pending"] = "true";
  EXPECT_EQ(router_.Route(event_).intents.at(0).state(), v1::PENDING);
  event_.set_reason("DependencyNotReady");
  EXPECT_THAT(router_.Route(event_).intents, IsEmpty());
}

TEST_F(RouterTest, MakesTheContextByExpression) {
  TheProvider().commit_status_expr =
      "event.involvedObject.name + '/' + provider.metadata.labels.env + '/' + "
      "string(alert.spec.summary)";
  TheProvider().json = R"({"metadata":{"labels":{"env":"prod"}}})";
  AddAlert("alert", "github-status").json = R"({"spec":{"summary":"eu"}})";
  const Routes routes = router_.Route(event_);
  ASSERT_THAT(routes.intents, SizeIs(1)) << routes.dead_letters[0].detail();
  EXPECT_EQ(routes.intents[0].context(), "apps/prod/eu");
}

TEST_F(RouterTest, MakesTextsByTemplate) {
  auto& annotations = TheProvider().annotations;
  annotations["lamplighter.dev/context"] = "flux/{cluster}/{namespace}/{name}";
  annotations["lamplighter.dev/description"] = "{reason}: {message}";
  annotations["lamplighter.dev/target-url"] =
      "https://grafana.example.com/d/flux?var-name={name}&c={commit}";
  Fail();
  event_.set_message("first\nsecond");
  const Routes routes = router_.Route(event_);
  ASSERT_THAT(routes.intents, SizeIs(1));
  EXPECT_EQ(routes.intents[0].context(), "flux/prod/flux-system/apps");
  EXPECT_EQ(routes.intents[0].description(), "HealthCheckFailed: first");
  EXPECT_EQ(routes.intents[0].target_url(),
            absl::StrCat("https://grafana.example.com/d/flux?var-name=apps&c=",
                         kSha));
}

TEST_F(RouterTest, AnAccountStandsForAllItsRepositoriesAndNoOther) {
  TheProvider().address = "https://github.com/Acme";
  TheProvider().annotations["lamplighter.dev/account"] = "true";
  EXPECT_THAT(router_.Route(event_).dead_letters.at(0).detail(),
              HasSubstr("event.toolkit.fluxcd.io/repository"));
  auto& repository =
      (*event_.mutable_metadata())["event.toolkit.fluxcd.io/repository"];
  repository = "ssh://git@github.com/acme/Web.git";
  EXPECT_EQ(router_.Route(event_).intents.at(0).repository_id(),
            "github.com/acme/web");
  repository = "https://github.com/other/web";
  EXPECT_THAT(router_.Route(event_).intents, IsEmpty());
  repository = "https://evil.example.com/acme/web";
  EXPECT_THAT(router_.Route(event_).intents, IsEmpty());
}

TEST_F(RouterTest, AddsAPartOfTheRollUpThatAProviderWants) {
  auto& annotations = TheProvider().annotations;
  annotations["lamplighter.dev/roll-up"] = "fleet";
  annotations["lamplighter.dev/roll-up-clusters"] = "5";
  annotations["lamplighter.dev/target-url"] = "https://example.com/{name}";
  AddAlert("another", "github-status").summary = "staging";
  const Routes routes = router_.Route(event_);
  ASSERT_THAT(routes.intents, SizeIs(3)) << "two differ in their summary";
  const v1::StatusIntent& part = routes.intents[0];
  const v1::StatusIntent& own = routes.intents[1];
  EXPECT_EQ(part.id(), "event-1/flux-system/github-status/alert/roll-up");
  EXPECT_EQ(part.context(), "lamplighter/fleet");
  ASSERT_TRUE(part.has_roll_up());
  EXPECT_EQ(part.roll_up().clusters(), 5);
  EXPECT_EQ(part.sha(), kSha);
  EXPECT_EQ(part.state(), v1::SUCCESS);
  EXPECT_EQ(part.event_time().seconds(), 1000);
  EXPECT_EQ(part.cluster(), "prod");
  EXPECT_EQ(part.involved_object().name(), "apps");
  EXPECT_EQ(part.description(), "") << "it is made from all parts";
  EXPECT_EQ(part.target_url(), "");
  EXPECT_FALSE(own.has_roll_up());
  EXPECT_EQ(own.context(), "kustomization/apps/0c9c2e41");
  EXPECT_FALSE(routes.intents[2].has_roll_up());

  annotations.erase("lamplighter.dev/roll-up-clusters");
  const Routes any = router_.Route(event_);
  ASSERT_TRUE(any.intents.at(0).has_roll_up());
  EXPECT_EQ(any.intents.at(0).roll_up().clusters(), 0);
}

TEST_F(RouterTest, RollsUpProgressOnlyWhereTheProviderSetsPending) {
  TheProvider().annotations["lamplighter.dev/roll-up"] = "fleet";
  TheProvider().type = "gitea";
  event_.set_reason("Progressing");
  ASSERT_THAT(router_.Route(event_).intents, SizeIs(1)) << "as Flux has it";
  TheProvider().annotations["lamplighter.dev/pending"] = "true";
  const Routes routes = router_.Route(event_);
  ASSERT_THAT(routes.intents, SizeIs(2));
  EXPECT_EQ(routes.intents[0].state(), v1::PENDING);
  EXPECT_TRUE(routes.intents[0].has_roll_up());
}

TEST_F(RouterTest, RefusesARollUpThatCannotBe) {
  auto& annotations = TheProvider().annotations;
  const auto detail = [this] {
    return router_.Route(event_).dead_letters.at(0).detail();
  };
  annotations["lamplighter.dev/roll-up-clusters"] = "5";
  EXPECT_THAT(detail(), HasSubstr("needs lamplighter.dev/roll-up: NAME"));
  annotations["lamplighter.dev/roll-up"] = "a\nb";
  EXPECT_THAT(detail(), HasSubstr("letters, digits and -._/"));
  annotations["lamplighter.dev/roll-up"] = std::string(101, 'a');
  EXPECT_THAT(detail(), HasSubstr("at most 100"));
  annotations["lamplighter.dev/roll-up"] = "fleet";
  for (const char* clusters : {"0", "-1", "five", "1001"}) {
    annotations["lamplighter.dev/roll-up-clusters"] = clusters;
    EXPECT_THAT(detail(), HasSubstr("must be a number from 1 to 1000"));
  }
}

TEST_F(RouterTest, KeepsApartProvidersOfOneNameInTwoNamespaces) {
  for (const char* team : {"a", "b"}) {
    Provider& provider = source_.manifests.providers[{team, "github-status"}];
    provider = TheProvider();
    provider.namespace_ = team;
    provider.address = absl::StrCat("https://github.com/acme/", team);
    Alert& alert = source_.manifests.alerts[{team, "alert"}];
    alert = AddAlert("alert", "github-status");
    alert.namespace_ = team;
  }
  EXPECT_THAT(router_.Route(event_).intents, SizeIs(3));
}

TEST_F(RouterTest, KeepsToItsNamespaceWhereItMust) {
  AddAlert("alert", "github-status").event_sources = {
      {"Kustomization", "team", "*", absl::nullopt}};
  event_.mutable_involved_object()->set_namespace_("team");
  EXPECT_THAT(router_.Route(event_).intents, SizeIs(1));
  Router strict({.no_cross_namespace_refs = true}, source_);
  const Routes routes = strict.Route(event_);
  EXPECT_THAT(routes.intents, IsEmpty());
  EXPECT_THAT(routes.dead_letters.at(0).detail(), HasSubstr("team"));
}

TEST_F(RouterTest, SetsOneStatusForTwoAlertsThatSayTheSame) {
  AddAlert("another", "github-status");
  EXPECT_THAT(router_.Route(event_).intents, SizeIs(1));
  AddAlert("differs", "github-status").summary = "staging";
  const Routes routes = router_.Route(event_);
  ASSERT_THAT(routes.intents, SizeIs(2));
  EXPECT_NE(routes.intents[0].id(), routes.intents[1].id());
}

TEST_F(RouterTest, LeavesChatsAndSuspendedProvidersAlone) {
  source_.manifests.other_providers.insert({"flux-system", "chat"});
  AddAlert("alert", "chat");
  const Routes chat = router_.Route(event_);
  EXPECT_THAT(chat.intents, IsEmpty());
  EXPECT_THAT(chat.dead_letters, IsEmpty());

  AddAlert("alert", "github-status");
  TheProvider().suspend = true;
  const Routes suspended = router_.Route(event_);
  EXPECT_THAT(suspended.intents, IsEmpty());
  EXPECT_THAT(suspended.dead_letters, IsEmpty());
}

TEST_F(RouterTest, NeverLosesAnEventInSilenceThatShouldBecomeAStatus) {
  const auto dead_letter = [this] {
    const Routes routes = router_.Route(event_);
    EXPECT_THAT(routes.intents, IsEmpty());
    EXPECT_THAT(routes.dead_letters, SizeIs(1));
    EXPECT_EQ(routes.dead_letters.at(0).flux_event().id(), "event-1");
    return routes.dead_letters.at(0);
  };
  SetMetadata("revision", "6.6.1");
  EXPECT_EQ(dead_letter().reason(), v1::DeadLetter::NO_REVISION);
  EXPECT_THAT(dead_letter().detail(), HasSubstr("6.6.1"));
  SetMetadata("revision", kSha);

  event_.set_severity("trace");
  EXPECT_EQ(dead_letter().reason(), v1::DeadLetter::INVALID_EVENT);
  event_.set_severity("info");

  for (const char* expression :
       {"event.", "event.reason", "''", "event.metadata.none + ''"}) {
    TheProvider().commit_status_expr = expression;
    EXPECT_EQ(dead_letter().reason(), v1::DeadLetter::BAD_CONFIGURATION);
    EXPECT_THAT(dead_letter().detail(), HasSubstr("spec.commitStatusExpr"))
        << expression;
  }
  TheProvider().commit_status_expr.clear();

  TheProvider().annotations["lamplighter.dev/context"] = "{nothing}";
  EXPECT_EQ(dead_letter().reason(), v1::DeadLetter::BAD_CONFIGURATION);
  TheProvider().annotations.clear();

  TheProvider().address = "https://github.com/only-an-owner";
  EXPECT_EQ(dead_letter().reason(), v1::DeadLetter::BAD_CONFIGURATION);
  EXPECT_THAT(dead_letter().detail(), HasSubstr("spec.address"));

  AddAlert("alert", "no-such-provider");
  EXPECT_EQ(dead_letter().reason(), v1::DeadLetter::BAD_CONFIGURATION);
  EXPECT_THAT(dead_letter().detail(), HasSubstr("no-such-provider"));
}

}  // namespace
}  // namespace lamplighter::dispatcher
