#include "services/dispatcher/router/alert_index.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

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
  std::vector<std::string> Match(const v1::FluxEvent& event) const {
    const AlertIndex index(std::make_shared<const Manifests>(manifests_));
    std::vector<std::string> names;
    for (const Alert* alert : index.Match(event)) names.push_back(alert->name);
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

TEST_F(AlertIndexTest, MatchesNothingByLabelsThatItCannotKnow) {
  Add("labels").event_sources[0].match_labels.emplace();
  EXPECT_THAT(Match(Event()), IsEmpty());
}

}  // namespace
}  // namespace lamplighter::dispatcher
