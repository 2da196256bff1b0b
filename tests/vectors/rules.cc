#include "tests/vectors/rules.h"

#include "tests/vectors/address_rules.h"
#include "tests/vectors/status_rules.h"

namespace lamplighter::vectors {
namespace {

constexpr Rule kRules[] = {
    {"commit-is-hex",
     "A commit's id has hexadecimal digits only: no forge knows one of 40 "
     "other characters.",
     &CommitIsHex},
    {"commit-in-lower-case",
     "A commit's id is written in lower case, so that one commit has one id.",
     &CommitInLowerCase},
    {"sha256-commits",
     "The 64 digits of a repository with SHA-256 are a commit's id, too.",
     &Sha256Commits},
    {"forwarded-metadata",
     "An event whose metadata has no prefixes at all was forwarded by "
     "notification-controller, which strips them: all of it counts as the "
     "object's.",
     &ForwardedMetadata},
    {"default-severity",
     "An Alert without eventSeverity takes everything, as the API server's "
     "default has it, also where it is read from a file.",
     &DefaultSeverity},
    {"newest-status-counts",
     "A status is left unset only where the newest one of its context says the "
     "same; an older one, or another order of the list, does not matter.",
     &NewestStatusCounts},
    {"github-contexts-ignore-case",
     "GitHub takes contexts that differ by case for one, so they are compared "
     "like that.",
     &GitHubContextsIgnoreCase},
    {"address-of-a-server",
     "An address must be the URL of a Git server and name a repository; Flux "
     "takes other text for a local file and fails when it sets the status.",
     &AddressOfAServer},
    {"no-credentials-in-urls",
     "A user and password in an address are not sent on: URLs are logged.",
     &NoCredentialsInUrls},
    {"address-normalized",
     "Addresses of one repository are read as one: hosts in lower case, "
     "without the port that the scheme has anyway, without a slash at the end.",
     &AddressNormalized},
    {"api-over-https",
     "Where an address is for SSH or the Git protocol, the forge's API is at "
     "https://HOST: the scheme, its port and its own host names are not kept.",
     &ApiOverHttps},
    {"bitbucket-server-addresses",
     "Bitbucket Data Center's SSH and browser addresses are read, too.",
     &BitbucketServerAddresses},
    {"azure-devops-addresses",
     "All forms of Azure DevOps addresses are read: visualstudio.com, "
     "collections of a server, a project's default repository, and SSH, which "
     "Flux reads as another project.",
     &AzureDevOpsAddresses},
    {"gitea-below-a-path", "A Gitea may be served below a path.",
     &GiteaBelowAPath},
    {"bitbucket-access-tokens",
     "A Bitbucket Cloud token without a user is an access token.",
     &BitbucketAccessTokens},
    {"no-empty-link",
     "A status without a link has none, instead of an empty one.",
     &NoEmptyLink},
    {"cut-to-the-limit",
     "A text that is longer than the forge takes is cut, with an ellipsis, "
     "instead of refused.",
     &CutToTheLimit},
    {"one-clean-line",
     "A description is one line, without control characters, and without "
     "spaces at its ends.",
     &OneCleanLine},
    {"reasons-in-ascii",
     "A reason is split into words at ASCII letters, the only ones that "
     "Kubernetes allows in one; other characters stay as they came.",
     &ReasonsInAscii},
    {"no-empty-context",
     "A status must have a context; of Flux's, too, only the hash alone takes "
     "an empty one.",
     &NoEmptyContext},
};

}  // namespace

absl::Span<const Rule> DeliberateDifferences() { return kRules; }

const Rule* FindRule(const Vector& vector, const Comparison& answers) {
  for (const Rule& rule : kRules) {
    if (rule.explains(vector, answers)) return &rule;
  }
  return nullptr;
}

}  // namespace lamplighter::vectors
