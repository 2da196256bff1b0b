#include "services/ingest/sources.h"

#include <string>
#include <utility>
#include <vector>

#include "common/status/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lamplighter::ingest {
namespace {

using ::testing::HasSubstr;

SourceRegistry Registry(std::vector<std::pair<std::string, SourceType>> named) {
  std::vector<Source> sources;
  for (auto& [name, type] : named) {
    Source source;
    source.name = std::move(name);
    source.type = type;
    sources.push_back(std::move(source));
  }
  return SourceRegistry(std::move(sources));
}

TEST(SourceRegistry, TakesFluxWithoutProofWhereNothingIsConfigured) {
  const SourceRegistry registry({});
  const auto source = registry.Find(SourceType::kFlux, "");
  ASSERT_THAT(source, IsOk());
  EXPECT_EQ((*source)->name, "default");
  EXPECT_EQ((*source)->proof_by, Source::ProofBy::kNothing);
  EXPECT_THAT(registry.Find(SourceType::kGitHub, ""),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(SourceRegistry, FindsSourcesByTypeAndName) {
  const SourceRegistry registry =
      Registry({{"eu", SourceType::kFlux}, {"forge", SourceType::kGitea}});
  EXPECT_EQ((*registry.Find(SourceType::kFlux, "eu"))->name, "eu");
  EXPECT_EQ((*registry.Find(SourceType::kGitea, "forge"))->name, "forge");
  EXPECT_THAT(registry.Find(SourceType::kGitea, "eu"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(SourceRegistry, TakesTheOnlySourceOfTheTypeWhereThePathNamesNone) {
  const SourceRegistry registry =
      Registry({{"eu", SourceType::kFlux}, {"hub", SourceType::kGitHub}});
  EXPECT_EQ((*registry.Find(SourceType::kFlux, ""))->name, "eu");
  EXPECT_EQ((*registry.Find(SourceType::kGitHub, ""))->name, "hub");
}

TEST(SourceRegistry, TakesTheDefaultOneOfSeveralWhereThePathNamesNone) {
  const SourceRegistry registry =
      Registry({{"eu", SourceType::kFlux}, {"default", SourceType::kFlux}});
  EXPECT_EQ((*registry.Find(SourceType::kFlux, ""))->name, "default");
}

TEST(SourceRegistry, AsksForANameWhereThereAreSeveral) {
  const SourceRegistry registry =
      Registry({{"eu", SourceType::kFlux}, {"us", SourceType::kFlux}});
  EXPECT_THAT(registry.Find(SourceType::kFlux, ""),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("/api/events-handler/v1/events/flux/SOURCE")));
}

}  // namespace
}  // namespace lamplighter::ingest
