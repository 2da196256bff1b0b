#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/json/object.hpp"
#include "common/http/http_server.h"
#include "common/time/clock.h"
#include "tests/forges/scripted_deliveries.h"
#include "tests/forges/scripted_forge.h"

namespace lamplighter {

// GitLab's API below /api/v4, for any project and commit (but the one of forty
// zeros): a status is a job that changes from state to state and refuses what
// it is, projects come by keyset with links to a host that is not its own, and
// webhooks hide their secrets. Keeps at most 1,000,000 statuses.
class ScriptedGitLab final : public ScriptedForge {
 public:
  struct Options {
    std::string token;       // to ask for; any will do if empty
    int64_t rate_limit = 0;  // requests a minute; none if 0
    size_t max_calls = 200'000;
    // 19.0 and later: webhooks with signing tokens.
    bool knows_signing_tokens = true;
    int64_t access_level = 40;  // in the projects that nobody added
  };
  // A commit status.
  struct Job {
    int64_t id = 0;
    std::string name;
    std::string state;
    std::string description;
    std::string target_url;
    absl::Time changed_at;
  };
  struct Hook {
    boost::json::object fields;  // as they were given, without the secrets
    std::string token;
    std::string signing_token;
    std::string alert_status = "executable";
  };

  ScriptedGitLab(Options options, const Clock& clock)
      : ScriptedForge("gitlab", clock, options.max_calls),
        options_(std::move(options)),
        deliveries_(clock) {}

  // So many more projects, "group-N/sub/project-M". Of ten, the user is
  // Maintainer of seven and Developer, Reporter and guest of an invited group
  // of one each.
  void AddRepositories(int64_t count) { projects_ += count; }

  // A pipeline's job has this name from now on, so that no status can have it.
  void AddJob(const std::string& name) { jobs_.insert(name); }

  // What GitLab does after too many failed deliveries.
  void DisableHook(int64_t id, const std::string& alert_status) {
    hooks_.at(id).alert_status = alert_status;
  }

  // Of whichever project, by id.
  std::map<int64_t, Hook>& hooks() { return hooks_; }

  // By the webhook's id.
  ScriptedDeliveries& deliveries() { return deliveries_; }

 private:
  using Member = HttpResponse (ScriptedGitLab::*)(const HttpRequest&,
                                                  ScriptedCall&);

  std::vector<HttpRoute> ApiRoutes() override;
  absl::optional<HttpResponse> Refuse(const HttpRequest& request) override;
  HttpResponse Error(int status, absl::string_view message) const override;
  void Finish(HttpResponse& response) override;
  void Clear() override;

  HttpResponse SetStatus(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListStatuses(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListProjects(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetProject(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListHooks(const HttpRequest& request, ScriptedCall& call);
  HttpResponse AddHook(const HttpRequest& request, ScriptedCall& call);
  HttpResponse EditHook(const HttpRequest& request, ScriptedCall& call);
  HttpResponse DeleteHook(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListEvents(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ResendEvent(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetUser(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetToken(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetVersion(const HttpRequest& request, ScriptedCall& call);

  // Changes the newest job of the name or adds one.
  HttpResponse Apply(const std::string& commit, Job wanted);
  void Fill(Hook& hook, boost::json::object given) const;
  boost::json::object Show(int64_t id, const Hook& hook) const;
  // The hook that the request names; the end if its project has none such.
  std::map<int64_t, Hook>::iterator FindHook(const HttpRequest& request);

  const Options options_;
  int64_t projects_ = 0;
  absl::flat_hash_set<std::string> jobs_;
  absl::flat_hash_map<std::string, std::vector<Job>> commits_;
  size_t status_count_ = 0;
  std::map<int64_t, Hook> hooks_;
  ScriptedDeliveries deliveries_;
  // By project: when the minute ends, and how many there were in it.
  std::map<std::string, std::pair<absl::Time, int>> resends_;
  int64_t last_id_ = 0;
  int64_t used_ = 0;  // of the rate limit, in this window
  absl::Time window_ends_ = absl::InfinitePast();
};

}  // namespace lamplighter
