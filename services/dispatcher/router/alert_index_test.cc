#include "services/dispatcher/router/alert_index.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using Labels = AlertIndex::Labels;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AlertIndexTest : public ::testing::Test {
 protected:
  // An Alert in flux-system for all its Kustomizations, to be changed.
  Alert& Add(const std::string& name) {
    Alert& alert = manifests_.alerts[{"flux-system", name}];
    alert.namespace_ = "flux-system";
    alert.name = name;
    alert.event_sources = {
        {"Kustomization", "flux-system", "*", absl::nullopt}};
    return alert;
  }
  Provider& AddProvider(const std::string& name) {
    Provider& provider = manifests_.providers[{"flux-system", name}];
    provider.namespace_ = "flux-system";
    provider.name = name;
    return provider;
  }
  AlertIndex Index() const {
    return AlertIndex(std::make_shared<const Manifests>(manifests_));
  }
  std::vector<std::string> Match(const v1::FluxEvent& event) const {
    return Names(Index().Match(event, nullptr));
  }
  std::vector<std::string> MatchLabels(const Labels& labels) const {
    return Names(Index().Match(Event(), &labels));
  }
  static std::vector<std::string> Names(
      const std::vector<const Alert*>& alerts) {
    std::vector<std::string> names;
    for (const Alert* alert : alerts) names.push_back(alert->name);
    return names;
  }
  static v1::FluxEvent Event(const std::string& message = "m") {
    v1::FluxEvent event;
    event.mutable_involved_object()->set_kind("Kustomization");
    event.mutable_involved_object()->set_namespace_("flux-system");
    event.mutable_involved_object()->set_name("app");
    event.set_severity("info");
    event.set_message(message);
    return event;
  }

  Manifests manifests_;
};

TEST_F(AlertIndexTest, MatchesNamespaceAndKindAndNameLiterally) {
  Add("all");
  Add("by-name").event_sources[0].name = "app";
  Add("other-name").event_sources[0].name = "app-1";
  Add("glob").event_sources[0].name = "ap*";
  Add("other-kind").event_sources[0].kind = "kustomization";
  Add("other-namespace").event_sources[0].namespace_ = "apps";
  Add("any-namespace").event_sources[0].namespace_ = "*";
  Add("no-sources").event_sources.clear();
  EXPECT_THAT(Match(Event()), ElementsAre("all", "by-name"));
}

TEST_F(AlertIndexTest, ReturnsAnAlertOnceHoweverManySourcesMatch) {
  Alert& alert = Add("twice");
  alert.event_sources.push_back(alert.event_sources[0]);
  alert.event_sources.push_back(
      {"Kustomization", "flux-system", "app", absl::nullopt});
  EXPECT_THAT(Match(Event()), ElementsAre("twice"));
}

TEST_F(AlertIndexTest, PassesOverSuspendedAlerts) {
  Add("suspended").suspend = true;
  EXPECT_THAT(Match(Event()), IsEmpty());
}

TEST_F(AlertIndexTest, TakesInfoForEverySeverity) {
  Add("everything").event_severity = "info";
  Add("errors").event_severity = "error";
  EXPECT_THAT(Match(Event()), ElementsAre("everything"));
  v1::FluxEvent error = Event();
  error.set_severity("error");
  EXPECT_THAT(Match(error), ElementsAre("errors", "everything"));
}

TEST_F(AlertIndexTest, FiltersMessagesAsFluxDoes) {
  Add("included").inclusion_list = {"nothing", "succeeded"};
  Add("excluded").exclusion_list = {"upgrade.*succeeded"};
  Add("both").inclusion_list = {"succeeded"};
  Add("both").exclusion_list = {"upgrade"};
  EXPECT_THAT(Match(Event("Helm upgrade succeeded")), ElementsAre("included"));
  EXPECT_THAT(Match(Event("upgrade\nsucceeded")),
              ElementsAre("excluded", "included"))
      << "a dot is no line break";
  EXPECT_THAT(Match(Event("done")), ElementsAre("excluded"));
}

TEST_F(AlertIndexTest, LetsInvalidExpressionsMatchNothing) {
  Add("bad-exclusion").exclusion_list = {"["};
  Add("bad-inclusion").inclusion_list = {"["};
  Add("one-good").inclusion_list = {"(?!x)ok", "ok"};
  EXPECT_THAT(Match(Event("ok")), ElementsAre("bad-exclusion", "one-good"));
}

TEST_F(AlertIndexTest, LeavesOutAlertsThatSetNoStatus) {
  manifests_.other_providers.insert({"flux-system", "chat"});
  AddProvider("off").suspend = true;
  AddProvider("on");
  Add("chat").provider_ref = "chat";
  Add("missing").provider_ref = "none";
  Add("off").provider_ref = "off";
  Add("on").provider_ref = "on";
  EXPECT_THAT(Match(Event()), ElementsAre("missing", "on"));
}

TEST_F(AlertIndexTest, MatchesAllLabelsThatASourceWants) {
  Add("a").event_sources[0].match_labels = Labels{{"team", "a"}};
  Add("a-y").event_sources[0].match_labels =
      Labels{{"team", "a"}, {"tier", "y"}};
  Add("any").event_sources[0].match_labels.emplace();
  Add("b").event_sources[0].match_labels = Labels{{"team", "b"}};
  Add("plain");
  EXPECT_THAT(MatchLabels({{"team", "a"}, {"tier", "x"}}),
              ElementsAre("a", "any", "plain"));
  EXPECT_THAT(MatchLabels({{"team", "a"}, {"tier", "y"}, {"z", ""}}),
              ElementsAre("a", "a-y", "any", "plain"));
  EXPECT_THAT(MatchLabels({}), ElementsAre("any", "plain"));
  EXPECT_THAT(Match(Event()), ElementsAre("plain")) << "labels are not known";
}

TEST_F(AlertIndexTest, AppliesLabelsBesideNamespaceKindNameAndTheRest) {
  const Labels labels = {{"team", "a"}};
  Add("by-name").event_sources[0] = {"Kustomization", "flux-system", "app",
                                     labels};
  Add("errors").event_severity = "error";
  Add("errors").event_sources[0].match_labels = labels;
  Add("excluded").exclusion_list = {"m"};
  Add("excluded").event_sources[0].match_labels = labels;
  Add("other-kind").event_sources[0] = {"HelmRelease", "flux-system", "*",
                                        labels};
  Add("other-name").event_sources[0] = {"Kustomization", "flux-system", "web",
                                        labels};
  Add("other-namespace").event_sources[0] = {"Kustomization", "apps", "*",
                                             labels};
  EXPECT_THAT(MatchLabels(labels), ElementsAre("by-name"));
}

TEST_F(AlertIndexTest, TellsWhereOnlyLabelsCanTell) {
  const auto all = [](const Alert& /*alert*/) { return true; };
  const auto undecided = [&](const v1::FluxEvent& event) -> std::string {
    const AlertIndex index = Index();
    const Alert* alert =
        index.FindUndecided(event, index.Match(event, nullptr), all);
    return alert == nullptr ? "none" : alert->name;
  };
  Add("plain");
  EXPECT_EQ(undecided(Event()), "none");
  // It matches by another of its sources.
  Add("plain").event_sources.push_back(
      {"Kustomization", "flux-system", "app", Labels{{"team", "a"}}});
  EXPECT_EQ(undecided(Event()), "none");
  Add("labels").event_sources[0].match_labels = Labels{{"team", "a"}};
  EXPECT_EQ(undecided(Event()), "labels");
  const AlertIndex index = Index();
  EXPECT_EQ(index
                .FindUndecided(
                    Event(), {},
                    [](const Alert& alert) { return alert.name == "plain"; })
                ->name,
            "plain");
  v1::FluxEvent other = Event();
  other.mutable_involved_object()->set_kind("HelmRelease");
  EXPECT_EQ(undecided(other), "none");
  manifests_.alerts.at({"flux-system", "labels"}).exclusion_list = {"m"};
  EXPECT_EQ(undecided(Event()), "none") << "its message is not let through";
}

}  // namespace
}  // namespace lamplighter::dispatcher
