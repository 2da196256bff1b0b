#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/json/object.hpp"
#include "boost/json/value.hpp"
#include "common/http/http_server.h"
#include "common/time/clock.h"
#include "tests/forges/scripted_forge.h"

namespace lamplighter {

// Gitea's API below /api/v1, for any repository and commit (but the one of
// forty zeros, which is an error of the server's to it): statuses are taken as
// they come, lists are clamped and link to a host that is not its own, and a
// webhook keeps the secret that it was made with. Keeps at most 1,000,000
// statuses. It has neither ETags nor limits.
class ScriptedGitea final : public ScriptedForge {
 public:
  struct Options {
    std::string token;  // to ask for; any will do if empty
    size_t max_calls = 200'000;
    size_t max_response_items = 50;  // in a page, whatever is asked for
    bool is_admin = true;            // of the repositories that nobody added
  };
  struct Status {
    int64_t id = 0;
    std::string context;
    std::string state;
    std::string description;
    std::string target_url;
    absl::Time created_at;
  };
  struct Hook {
    std::string repository;  // lower-case
    std::string type;
    std::string url;
    std::string content_type;
    std::string secret;
    std::string branch_filter;
    std::vector<std::string> events;
    bool active = false;
  };

  ScriptedGitea(Options options, const Clock& clock)
      : ScriptedForge("gitea", clock, options.max_calls),
        options_(std::move(options)) {}

  // So many more repositories of the token's user, "owner-N/repo-M": every
  // third private, every fifth archived, every seventh only to be read.
  void AddRepositories(int64_t count) { repositories_ += count; }

  // Of whichever repository, by id.
  std::map<int64_t, Hook>& hooks() { return hooks_; }

 private:
  using Member = HttpResponse (ScriptedGitea::*)(const HttpRequest&,
                                                 ScriptedCall&);

  std::vector<HttpRoute> ApiRoutes() override;
  absl::optional<HttpResponse> Refuse(const HttpRequest& request) override;
  HttpResponse Error(int status, absl::string_view message) const override;
  void Clear() override;

  HttpResponse SetStatus(const HttpRequest& request, ScriptedCall& call);
  HttpResponse Combined(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetCommit(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListRepositories(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetRepository(const HttpRequest& request, ScriptedCall& call);
  HttpResponse ListHooks(const HttpRequest& request, ScriptedCall& call);
  HttpResponse AddHook(const HttpRequest& request, ScriptedCall& call);
  HttpResponse EditHook(const HttpRequest& request, ScriptedCall& call);
  HttpResponse DeleteHook(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetUser(const HttpRequest& request, ScriptedCall& call);
  HttpResponse GetVersion(const HttpRequest& request, ScriptedCall& call);

  // Where the page that is asked for begins and ends in a list of `size`.
  std::pair<size_t, size_t> Range(const HttpRequest& request,
                                  size_t size) const;
  // The hook that the request names; the end if its repository has none such.
  std::map<int64_t, Hook>::iterator FindHook(const HttpRequest& request);

  const Options options_;
  int64_t repositories_ = 0;
  absl::flat_hash_map<std::string, std::vector<Status>> commits_;
  size_t status_count_ = 0;
  std::map<int64_t, Hook> hooks_;
  int64_t last_id_ = 0;
};

}  // namespace lamplighter
