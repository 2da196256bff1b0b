#include "services/provider/forges/testing/forge_wires.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/http/testing/fake_http_client.h"

namespace lamplighter::provider {
namespace {

std::string GitHubLike(const ForgeStatus& status, const char* state_key) {
  return absl::StrCat(R"({"id":)", status.id, R"(,"context":")", status.context,
                      R"(",")", state_key, R"(":")", status.state,
                      R"(","description":")", status.description,
                      R"(","target_url":")", status.target_url,
                      R"(","updated_at":"2026-11-21T09:00:00Z"})");
}

HttpResult Combined(const std::vector<ForgeStatus>& statuses,
                    const char* state_key) {
  return Reply(200,
               absl::StrCat(R"({"state":"pending","statuses":[)",
                            absl::StrJoin(statuses, ",",
                                          [&](std::string* out, const auto& s) {
                                            *out += GitHubLike(s, state_key);
                                          }),
                            "]}"));
}

HttpResult GitHubList(const std::vector<ForgeStatus>& statuses) {
  return Combined(statuses, "state");
}
HttpResult GiteaList(const std::vector<ForgeStatus>& statuses) {
  return Combined(statuses, "status");
}
HttpResult CreatedWithId() { return Reply(201, R"({"id":77})"); }

const std::map<v1::CommitState, std::string> kGitHubStates = {
    {v1::PENDING, "pending"}, {v1::RUNNING, "pending"},
    {v1::SUCCESS, "success"}, {v1::FAILURE, "failure"},
    {v1::ERROR, "error"},
};

HttpResult GitLabList(const std::vector<ForgeStatus>& statuses) {
  const auto append = [](std::string* out, const ForgeStatus& status) {
    absl::StrAppend(out, R"({"id":)", status.id, R"(,"name":")", status.context,
                    R"(","status":")", status.state, R"(","description":")",
                    status.description, R"(","target_url":")",
                    status.target_url,
                    R"(","created_at":"2026-11-21T09:00:00.000Z",)",
                    R"("started_at":null,"finished_at":null})");
  };
  return Reply(200,
               absl::StrCat("[", absl::StrJoin(statuses, ",", append), "]"));
}

const std::map<v1::CommitState, std::string> kGitLabStates = {
    {v1::PENDING, "pending"}, {v1::RUNNING, "running"},
    {v1::SUCCESS, "success"}, {v1::FAILURE, "failed"},
    {v1::ERROR, "failed"},
};

HttpResult AzureDevOpsList(const std::vector<ForgeStatus>& statuses) {
  const auto print = [](std::string* out, const ForgeStatus& status) {
    absl::StrAppend(
        out, R"({"id":)", status.id, R"(,"context":{"genre":")", status.genre,
        R"(","name":")",
        absl::StripPrefix(status.context, absl::StrCat(status.genre, "/")),
        R"("},"state":")", status.state, R"(","description":")",
        status.description, R"(","targetUrl":")", status.target_url,
        R"(","creationDate":"2026-11-21T09:00:00Z"})");
  };
  return Reply(200, absl::StrCat(R"({"value":[)",
                                 absl::StrJoin(statuses, ",", print), "]}"));
}

// One body for both: the status of a key, and the list of a commit's.
HttpResult BitbucketList(const std::vector<ForgeStatus>& statuses) {
  if (statuses.empty()) return Reply(404, R"({"error":{"message":"none"}})");
  const auto fields = [](const ForgeStatus& status) {
    return absl::StrCat(R"("key":")", status.context, R"(","uuid":")",
                        status.id, R"(","state":")", status.state,
                        R"(","name":")", status.name, R"(","description":")",
                        status.description, R"(","url":")", status.target_url,
                        R"(","updated_on":"2026-11-21T09:00:00+00:00")");
  };
  const auto print = [&](std::string* out, const ForgeStatus& status) {
    absl::StrAppend(out, "{", fields(status), "}");
  };
  return Reply(200, absl::StrCat("{", fields(statuses[0]), R"(,"values":[)",
                                 absl::StrJoin(statuses, ",", print), "]}"));
}
HttpResult CreatedWithKey() { return Reply(201, R"({"key":"k"})"); }

// One body for both: the build of a key, and the list of a commit's.
HttpResult BitbucketServerList(const std::vector<ForgeStatus>& statuses) {
  if (statuses.empty()) return Reply(404, R"({"errors":[{"message":"none"}]})");
  const auto fields = [](const ForgeStatus& status) {
    return absl::StrCat(R"("key":")", status.context, R"(","state":")",
                        status.state, R"(","name":")", status.name,
                        R"(","description":")", status.description,
                        R"(","url":")", status.target_url,
                        R"(","updatedDate":1795251600000)");
  };
  const auto print = [&](std::string* out, const ForgeStatus& status) {
    absl::StrAppend(out, "{", fields(status), "}");
  };
  return Reply(200, absl::StrCat("{", fields(statuses[0]),
                                 R"(,"isLastPage":true,"values":[)",
                                 absl::StrJoin(statuses, ",", print), "]}"));
}
HttpResult CreatedWithoutAWord() { return Reply(204); }

}  // namespace

const Wire* FindWire(absl::string_view type) {
  static const auto* const wires = new std::map<absl::string_view, Wire>{
      {"github",
       {"https://github.com/org/repo", "https://api.github.com/", &GitHubList,
        &CreatedWithId, kGitHubStates}},
      {"gitea",
       {"https://gitea.example.com/org/repo",
        "https://gitea.example.com/api/v1/", &GiteaList, &CreatedWithId,
        kGitHubStates}},
      {"gitlab",
       {"https://gitlab.example.com/group/sub/proj",
        "https://gitlab.example.com/api/v4/projects/group%2Fsub%2Fproj/",
        &GitLabList, &CreatedWithId, kGitLabStates, "PRIVATE-TOKEN"}},
      {"azuredevops",
       {"https://dev.azure.com/org/proj/_git/repo",
        "https://dev.azure.com/org/proj/_apis/git/repositories/repo/",
        &AzureDevOpsList,
        &CreatedWithId,
        {{v1::PENDING, "pending"},
         {v1::RUNNING, "pending"},
         {v1::SUCCESS, "succeeded"},
         {v1::FAILURE, "error"},
         {v1::ERROR, "error"}}}},
      {"bitbucket",
       {"https://bitbucket.org/org/repo",
        "https://api.bitbucket.org/2.0/repositories/org/repo/",
        &BitbucketList,
        &CreatedWithKey,
        {{v1::PENDING, "INPROGRESS"},
         {v1::RUNNING, "INPROGRESS"},
         {v1::SUCCESS, "SUCCESSFUL"},
         {v1::FAILURE, "FAILED"},
         {v1::ERROR, "FAILED"}}}},
      {"bitbucketserver",
       {"https://git.example.com/scm/foo/bar.git",
        "https://git.example.com/rest/",
        &BitbucketServerList,
        &CreatedWithoutAWord,
        {{v1::PENDING, "INPROGRESS"},
         {v1::RUNNING, "INPROGRESS"},
         {v1::SUCCESS, "SUCCESSFUL"},
         {v1::FAILURE, "FAILED"},
         {v1::ERROR, "FAILED"}},
        "Authorization",
        "82265367404ad9d071796a3dd9b07c82d40274be",
        absl::Seconds(5)}},
  };
  const auto it = wires->find(type);
  return it == wires->end() ? nullptr : &it->second;
}

}  // namespace lamplighter::provider
