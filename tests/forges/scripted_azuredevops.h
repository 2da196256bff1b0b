#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/json/object.hpp"
#include "common/http/http_server.h"
#include "common/time/clock.h"
#include "tests/forges/scripted_azuredevops_hooks.h"
#include "tests/forges/scripted_forge.h"
#include "tests/forges/status_store.h"

namespace lamplighter {

// Azure DevOps: any organization ("/org") and any collection of a server
// ("/tfs/Collection"), which all have the same. Any repository that is asked
// for by name is there, but "disabled" is disabled; its list has those that
// were added. Any commit is there, but the one of forty zeros.
class ScriptedAzureDevOps final : public ScriptedForge {
 public:
  struct Options {
    std::string token;  // to ask for; any will do if empty
    // How a wrong token is answered: 203 and 302 for a page to sign in on, or
    // 401.
    int sign_in = 203;
    double newest_version = 7.1;  // of the API: 5.0 for a Server 2019
    size_t max_projects = 100;    // on a page
    bool can_edit_subscriptions = true;
  };

  ScriptedAzureDevOps(Options options, const Clock& clock)
      : ScriptedForge("azuredevops", clock), options_(std::move(options)) {}

  // "Project 0" with "repo-0" to "repo-9" and so on, so many more in all; the
  // last of each project is disabled, and the last but one a fork. They are
  // made when they are asked for.
  void AddRepositories(size_t count) { repositories_ += count; }
  // Takes it off the list.
  void RemoveProject(size_t number) { removed_.insert(number); }

  // The next answers come late, and ask to be left alone for so long.
  void Delay(absl::Duration retry_after, int64_t answers) {
    retry_after_ = retry_after;
    delayed_ = answers;
  }

  ScriptedServiceHooks& hooks() { return hooks_; }
  const StatusStore& statuses() const { return statuses_; }

 private:
  using Handler = HttpResponse (ScriptedAzureDevOps::*)(const HttpRequest&,
                                                        ScriptedCall&);

  std::vector<HttpRoute> ApiRoutes() override;
  absl::optional<HttpResponse> Refuse(const HttpRequest& request) override;
  HttpResponse Error(int status, absl::string_view message) const override;
  HttpResponse RateLimited(absl::Time until) const override;
  void Finish(HttpResponse& response) override;
  std::string Counts() const override;
  void Clear() override;

  HttpResponse SignIn() const;
  // What is wrong with the version that the request asks for.
  absl::optional<HttpResponse> RefuseVersion(const HttpRequest& request) const;

  HttpResponse ConnectionData(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListProjects(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListRepositories(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetRepository(const HttpRequest& request, ScriptedCall& call);
  HttpResponse PostStatus(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListStatuses(const HttpRequest& request, ScriptedCall& call);
  // To what changes subscriptions.
  absl::optional<HttpResponse> RefuseEdit() const;
  HttpResponse Answer(
      const absl::StatusOr<boost::json::object>& subscription) const;
  HttpResponse PostSubscription(const HttpRequest& request, ScriptedCall& call);
  HttpResponse PutSubscription(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetSubscriptions(const HttpRequest& request, ScriptedCall& call);
  HttpResponse QuerySubscriptions(const HttpRequest& request,
                                  ScriptedCall& call);
  HttpResponse DeleteSubscription(const HttpRequest& request,
                                  ScriptedCall& call);

  size_t projects() const;

  const Options options_;
  StatusStore statuses_;
  ScriptedServiceHooks hooks_;
  size_t repositories_ = 0;
  std::set<size_t> removed_;
  absl::Duration retry_after_;
  int64_t delayed_ = 0;  // answers
};

}  // namespace lamplighter
