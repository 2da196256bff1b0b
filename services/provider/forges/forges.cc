#include "services/provider/forges/forges.h"

#include "services/provider/forges/azuredevops/azuredevops.h"
#include "services/provider/forges/bitbucket/bitbucket.h"
#include "services/provider/forges/bitbucketserver/bitbucketserver.h"
#include "services/provider/forges/gitea/gitea.h"
#include "services/provider/forges/github/github.h"
#include "services/provider/forges/gitlab/gitlab.h"

namespace lamplighter::provider {
namespace {

constexpr ForgeFactory kForges[] = {
    {"github", &MakeGitHub},       {"gitea", &MakeGitea},
    {"gitlab", &MakeGitLab},       {"azuredevops", &MakeAzureDevOps},
    {"bitbucket", &MakeBitbucket}, {"bitbucketserver", &MakeBitbucketServer},
};

}  // namespace

absl::Span<const ForgeFactory> AllForges() { return kForges; }

}  // namespace lamplighter::provider
