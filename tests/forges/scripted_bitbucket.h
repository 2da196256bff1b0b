#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/http/http_server.h"
#include "common/time/clock.h"
#include "tests/forges/scripted_bitbucket_parts.h"
#include "tests/forges/scripted_forge.h"

namespace lamplighter {

// Bitbucket Cloud's API below /2.0: statuses of any repository and commit (but
// the one of forty zeros), repositories of the workspaces that were added, and
// webhooks, with its checks, its opaque paging, and 410 for the lists across
// workspaces that are gone. An access token (one without a colon) lists no
// workspaces and has no role.
class ScriptedBitbucket final : public ScriptedForge {
 public:
  struct Options {
    std::string token;  // to ask for, or user:token; any will do if empty
    std::string scopes = "repository:write, webhook";
    size_t max_calls = 200'000;
  };

  ScriptedBitbucket(const Options& options, const Clock& clock)
      : ScriptedForge("bitbucket", clock, options.max_calls),
        options_(options) {}

  // So many in the workspace org, which is always there, or in another. They
  // are made up as they are asked for: "SLUG/repo-0" and on, with the access
  // that BitbucketAccessTo() says.
  void AddRepositories(size_t count) { workspaces_[0].repositories += count; }
  void AddWorkspace(std::string slug, size_t repositories) {
    workspaces_.push_back({std::move(slug), repositories});
  }

  const BitbucketBuildStore& builds() const { return builds_; }
  // Of "workspace/repository"; for a test to meddle with, too.
  BitbucketWebhookStore& webhooks() { return webhooks_; }

 private:
  struct Workspace {
    std::string slug;
    size_t repositories = 0;
  };
  using Handler = HttpResponse (ScriptedBitbucket::*)(const HttpRequest&,
                                                      ScriptedCall&);

  std::vector<HttpRoute> ApiRoutes() override;
  absl::optional<HttpResponse> Refuse(const HttpRequest& request) override;
  HttpResponse Error(int status, absl::string_view message) const override;
  HttpResponse RateLimited(absl::Time until) const override;
  void Finish(HttpResponse& response) override;
  std::string Counts() const override;
  void Clear() override;

  bool HasAccessToken(const HttpRequest& request) const;

  HttpResponse SetBuild(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetBuild(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListBuilds(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetUser(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListWorkspaces(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListRepositories(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetRepository(const HttpRequest& request, ScriptedCall& call);
  HttpResponse Gone(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListWebhooks(const HttpRequest& request, ScriptedCall& call);
  HttpResponse AddWebhook(const HttpRequest& request, ScriptedCall& call);
  HttpResponse SetWebhook(const HttpRequest& request, ScriptedCall& call);
  HttpResponse DeleteWebhook(const HttpRequest& request, ScriptedCall& call);

  const Options options_;
  std::vector<Workspace> workspaces_ = {{"org", 0}};
  BitbucketBuildStore builds_;
  BitbucketWebhookStore webhooks_;
};

}  // namespace lamplighter
