#include "services/dispatcher/router/status_template.h"

#include <string>

#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::dispatcher {
namespace {

using ::absl::StatusCode;
using ::testing::HasSubstr;

TemplateFields Fields() {
  TemplateFields fields;
  fields.cluster = "prod-eu";
  fields.kind = "Kustomization";
  fields.namespace_ = "flux-system";
  fields.name = "apps & more";
  fields.metadata = {{"env", "prod"}};
  return fields;
}

std::string Expand(absl::string_view text) {
  const auto parsed = StatusTemplate::Parse(text);
  return parsed.ok() ? parsed->Expand(Fields())
                     : std::string(parsed.status().message());
}

TEST(StatusTemplate, PutsInWhatItNames) {
  EXPECT_EQ(Expand("flux/{cluster}/{namespace}/{name}"),
            "flux/prod-eu/flux-system/apps & more");
  EXPECT_EQ(Expand("{metadata.env}{metadata.none}"), "prod");
  EXPECT_EQ(Expand("plain"), "plain");
  EXPECT_EQ(Expand(""), "");
}

TEST(StatusTemplate, EncodesWhatGoesIntoAUrl) {
  const auto url =
      StatusTemplate::Parse("https://x.example/{cluster}?n={name}");
  ASSERT_THAT(url, IsOk());
  EXPECT_EQ(url->ExpandUrl(Fields()),
            "https://x.example/prod-eu?n=apps%20%26%20more");
}

TEST(StatusTemplate, HasBracesToo) {
  EXPECT_EQ(Expand("{{{cluster}}"), "{prod-eu}");
}

TEST(StatusTemplate, SaysWhatItDoesNotKnow) {
  EXPECT_THAT(StatusTemplate::Parse("{clusters}"),
              StatusIs(StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("{clusters}"), HasSubstr("{cluster}"),
                             HasSubstr("{metadata.KEY}"))));
  EXPECT_THAT(StatusTemplate::Parse("{metadata.}"),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(StatusTemplate::Parse("a{name"),
              StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace lamplighter::dispatcher
