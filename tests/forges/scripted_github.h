#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/http/http_server.h"
#include "common/time/clock.h"
#include "tests/forges/scripted_deliveries.h"
#include "tests/forges/scripted_forge.h"
#include "tests/forges/scripted_github_app.h"
#include "tests/forges/scripted_github_hooks.h"
#include "tests/forges/scripted_github_repositories.h"
#include "tests/forges/status_store.h"

namespace lamplighter {

// GitHub's API, at the root and below /api/v3, with its checks and its limits:
// commit statuses and webhooks of any repository and commit (but the one of
// forty zeros), lists of those repositories that were added, and an App. A
// token of an App's installation sees its account's repositories only. Keeps at
// most 1,000,000 statuses.
class ScriptedGitHub final : public ScriptedForge {
 public:
  struct Options {
    std::string token;                 // the user's; any will do if empty
    int64_t rate_limit = 100'000'000;  // requests an hour; none if 0
    size_t max_calls = 200'000;
    // Of a classic token; none for a fine-grained one, which does not tell.
    absl::optional<std::string> scopes = "admin:repo_hook, repo";
    std::string app_id = "";
    std::string app_key = "";  // its private one, PEM; no App if empty
  };

  ScriptedGitHub(const Options& options, const Clock& clock)
      : ScriptedForge("github", clock, options.max_calls),
        options_(options),
        app_(options.app_id, options.app_key, clock),
        deliveries_(clock) {}

  // Of the App's own webhook, for deliveries().
  static constexpr char kAppHook[] = "app";
  // Of an organization's webhooks, for hooks().
  static std::string OrganizationKey(const std::string& name) {
    return "organization " + name;
  }

  // repo-000000 of `owner` and so on, so many more.
  void AddRepositories(size_t count, const std::string& owner = "org") {
    repositories_.Add(count, owner);
  }
  // Both are "owner/repository"; what is asked of the old one is sent on.
  void Rename(const std::string& from, const std::string& to) {
    renamed_[from] = to;
    hooks_.Move(from, to);
  }
  // Takes no statuses any more.
  void Archive(const std::string& repository) { archived_.insert(repository); }

  ScriptedGitHubApp& app() { return app_; }
  // Where the App's own webhook leads to.
  void SetAppHook(const std::string& url) { app_hook_url_ = url; }
  // By "owner/repository" or OrganizationKey(), in lower case.
  ScriptedGitHubHooks& hooks() { return hooks_; }
  // By the webhook's id, or kAppHook.
  ScriptedDeliveries& deliveries() { return deliveries_; }
  const StatusStore& statuses() const { return statuses_; }

 private:
  std::vector<HttpRoute> ApiRoutes() override;
  std::vector<HttpRoute> DeliveryRoutes(const std::string& base);
  absl::optional<HttpResponse> Refuse(const HttpRequest& request) override;
  HttpResponse Error(int status, absl::string_view message) const override;
  HttpResponse RateLimited(absl::Time until) const override;
  void Finish(HttpResponse& response) override;
  std::string Counts() const override;
  HttpResponse ChangeRepositories(const HttpRequest& request) override;
  void Clear() override;

  // That the request is from whom it may be from.
  absl::optional<HttpResponse> RefuseCredential(const HttpRequest& request,
                                                absl::string_view path) const;
  // A renamed repository's, or one that an App's installation does not see.
  absl::optional<HttpResponse> RefuseRepository(const HttpRequest& request,
                                                absl::string_view path) const;
  // What an App's installation was not given, or null for users.
  const ScriptedGitHubApp::Installation* InstallationOf(
      const HttpRequest& request) const;
  absl::optional<HttpResponse> RefusePermission(const HttpRequest& request,
                                                const char* permission) const;

  HttpResponse Create(const HttpRequest& request, ScriptedCall& call);
  HttpResponse History(const HttpRequest& request, ScriptedCall& call);
  HttpResponse Combined(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetUser(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListRepositories(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListAppsRepositories(const HttpRequest& request,
                                    ScriptedCall& call);
  HttpResponse GetRepository(const HttpRequest& request, ScriptedCall& call);
  HttpResponse DoHooks(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetRateLimit(const HttpRequest& request, ScriptedCall& call);

  // Of a webhook of the App, an organization or a repository, which take up so
  // many parts of the path.
  HttpResponse DoDeliveries(const HttpRequest& request, size_t owner_parts);
  HttpResponse GetAppHook() const;

  void TurnWindow();

  const Options options_;
  StatusStore statuses_;
  ScriptedGitHubApp app_;
  ScriptedGitHubHooks hooks_;
  ScriptedDeliveries deliveries_;
  std::string app_hook_url_;
  ScriptedGitHubRepositories repositories_;
  std::map<std::string, std::string> renamed_;
  std::set<std::string> archived_;
  bool is_free_ = false;  // the request being answered
  int64_t used_ = 0;      // of the rate limit, in this window
  absl::Time window_ends_ = absl::InfinitePast();
};

}  // namespace lamplighter
