#include "services/ingest/forges/forges.h"

#include "services/ingest/forges/azure_devops.h"
#include "services/ingest/forges/bitbucket.h"
#include "services/ingest/forges/bitbucket_server.h"
#include "services/ingest/forges/gitea.h"
#include "services/ingest/forges/github.h"
#include "services/ingest/forges/gitlab.h"

namespace lamplighter::ingest {
namespace {

template <typename Normalizer>
const WebhookNormalizer* The() {
  static const Normalizer normalizer;
  return &normalizer;
}

}  // namespace

const WebhookNormalizer* NormalizerOf(SourceType type) {
  switch (type) {
    case SourceType::kFlux:
      return nullptr;
    case SourceType::kGitHub:
      return The<GitHubNormalizer>();
    case SourceType::kGitLab:
      return The<GitLabNormalizer>();
    case SourceType::kBitbucket:
      return The<BitbucketNormalizer>();
    case SourceType::kBitbucketServer:
      return The<BitbucketServerNormalizer>();
    case SourceType::kAzureDevOps:
      return The<AzureDevOpsNormalizer>();
    case SourceType::kGitea:
      return The<GiteaNormalizer>();
    case SourceType::kForgejo:
      return The<ForgejoNormalizer>();
  }
  return nullptr;
}

}  // namespace lamplighter::ingest
