#include "services/ingest/sources.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lamplighter::ingest {
namespace {

constexpr char kDefaultSource[] = "default";

struct TypeNames {
  absl::string_view name;
  absl::string_view provider_type;
};

TypeNames NamesOf(SourceType type) {
  switch (type) {
    case SourceType::kFlux:
      return {"flux", ""};
    case SourceType::kGitHub:
      return {"github", "github"};
    case SourceType::kGitLab:
      return {"gitlab", "gitlab"};
    case SourceType::kBitbucket:
      return {"bitbucket", "bitbucket"};
    case SourceType::kBitbucketServer:
      return {"bitbucketserver", "bitbucketserver"};
    case SourceType::kAzureDevOps:
      return {"azure-devops", "azuredevops"};
    case SourceType::kGitea:
      return {"gitea", "gitea"};
    case SourceType::kForgejo:
      return {"forgejo", "gitea"};
  }
  return {"", ""};
}

}  // namespace

absl::string_view NameOf(SourceType type) { return NamesOf(type).name; }

absl::string_view ProviderTypeOf(SourceType type) {
  return NamesOf(type).provider_type;
}

Source OpenFluxSource() {
  Source flux;
  flux.name = kDefaultSource;
  return flux;
}

SourceRegistry::SourceRegistry(std::vector<Source> sources)
    : sources_(std::move(sources)) {
  if (sources_.empty()) sources_.push_back(OpenFluxSource());
}

absl::StatusOr<const Source*> SourceRegistry::Find(
    SourceType type, absl::string_view name) const {
  const absl::string_view wanted = name.empty() ? kDefaultSource : name;
  const Source* any = nullptr;
  int of_type = 0;
  for (const Source& source : sources_) {
    if (source.type != type) continue;
    if (source.name == wanted) return &source;
    any = &source;
    ++of_type;
  }
  if (name.empty() && of_type == 1) return any;
  if (of_type == 0) {
    return absl::NotFoundError(
        absl::StrCat("no source of type ", NameOf(type), " is configured"));
  }
  if (name.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there are several sources of type ", NameOf(type),
                     ": name one in the path, /api/events-handler/v1/events/",
                     NameOf(type), "/SOURCE"));
  }
  return absl::NotFoundError(
      absl::StrCat("no source of type ", NameOf(type), " has this name"));
}

}  // namespace lamplighter::ingest
