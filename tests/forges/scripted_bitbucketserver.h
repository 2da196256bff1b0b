#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/http/http_server.h"
#include "common/time/clock.h"
#include "tests/forges/scripted_bitbucket_parts.h"
#include "tests/forges/scripted_forge.h"

namespace lamplighter {

// The REST API of Bitbucket Data Center, at the root and below /ctx: builds of
// any repository and commit (but the one of forty zeros), the older builds of
// commits, repositories by permission, and webhooks, with its checks, and pages
// that begin where it says and nowhere else.
class ScriptedBitbucketServer final : public ScriptedForge {
 public:
  struct Options {
    std::string token;    // to ask for, or user:password; any will do if empty
    bool is_old = false;  // before 7.4: knows no builds of a repository
    size_t max_calls = 200'000;
  };

  ScriptedBitbucketServer(const Options& options, const Clock& clock)
      : ScriptedForge("bitbucketserver", clock, options.max_calls),
        options_(options) {}

  // So many, which are made up as they are asked for: "PRJ/repo-0" and on, with
  // the access that BitbucketAccessTo() says; each tenth is archived.
  void AddRepositories(size_t count) { repositories_ += count; }

  const BitbucketBuildStore& builds() const { return builds_; }
  // Of "PROJECT/repository"; for a test to meddle with, too.
  BitbucketWebhookStore& webhooks() { return webhooks_; }

 private:
  using Handler = HttpResponse (ScriptedBitbucketServer::*)(const HttpRequest&,
                                                            ScriptedCall&);

  std::vector<HttpRoute> ApiRoutes() override;
  absl::optional<HttpResponse> Refuse(const HttpRequest& request) override;
  HttpResponse Error(int status, absl::string_view message) const override;
  HttpResponse RateLimited(absl::Time until) const override;
  void Finish(HttpResponse& response) override;
  std::string Counts() const override;
  void Clear() override;

  HttpResponse NoSuchResource(const HttpRequest& request) const;
  HttpResponse Keep(const HttpRequest& request, const std::string& sha,
                    const std::string& repository, ScriptedCall& call);

  HttpResponse GetProperties(const HttpRequest& request, ScriptedCall& call);
  HttpResponse SetBuild(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetBuild(const HttpRequest& request, ScriptedCall& call);
  HttpResponse SetCommitBuild(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListCommitBuilds(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListRepositories(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetRepository(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListWebhooks(const HttpRequest& request, ScriptedCall& call);
  HttpResponse AddWebhook(const HttpRequest& request, ScriptedCall& call);
  HttpResponse SetWebhook(const HttpRequest& request, ScriptedCall& call);
  HttpResponse DeleteWebhook(const HttpRequest& request, ScriptedCall& call);

  const Options options_;
  size_t repositories_ = 0;
  BitbucketBuildStore builds_;
  BitbucketWebhookStore webhooks_;
};

}  // namespace lamplighter
