#include "tests/forges/forge_cases.h"

#include "common/time/clock.h"
#include "tests/forges/scripted_azuredevops.h"
#include "tests/forges/scripted_bitbucket.h"
#include "tests/forges/scripted_bitbucketserver.h"
#include "tests/forges/scripted_gitea.h"
#include "tests/forges/scripted_github.h"
#include "tests/forges/scripted_gitlab.h"

namespace lamplighter::provider {
namespace {

constexpr char kToken[] = "t0ken-of-the-test";

template <typename Forge>
std::unique_ptr<ScriptedForge> Make() {
  return std::make_unique<Forge>(typename Forge::Options{.token = kToken},
                                 Clock::System());
}

template <typename Forge>
void Add(ScriptedForge& forge, int count) {
  static_cast<Forge&>(forge).AddRepositories(count);
}

}  // namespace

const std::vector<ForgeCase>& AllForgeCases() {
  static const auto* const cases = new std::vector<ForgeCase>{
      {"azuredevops",
       &Make<ScriptedAzureDevOps>,
       {"/org/proj/_git/repo", "/org"},
       {{"token", kToken}},
       &Add<ScriptedAzureDevOps>},
      {"bitbucket",
       &Make<ScriptedBitbucket>,
       {"/org/repo", "/org"},
       {{"token", kToken}},
       &Add<ScriptedBitbucket>},
      {"bitbucketserver",
       &Make<ScriptedBitbucketServer>,
       {"/scm/proj/repo.git", ""},
       {{"token", kToken}},
       &Add<ScriptedBitbucketServer>},
      {"gitea",
       &Make<ScriptedGitea>,
       {"/org/repo", ""},
       {{"token", kToken}},
       &Add<ScriptedGitea>},
      {"github",
       &Make<ScriptedGitHub>,
       {"/org/repo", ""},
       {{"token", kToken}},
       &Add<ScriptedGitHub>},
      {"gitlab",
       &Make<ScriptedGitLab>,
       {"/group/sub/proj", ""},
       {{"token", kToken}},
       &Add<ScriptedGitLab>},
  };
  return *cases;
}

}  // namespace lamplighter::provider
