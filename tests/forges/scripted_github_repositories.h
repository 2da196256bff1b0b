#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "common/http/http_server.h"
#include "tests/forges/github_json.h"

namespace lamplighter {

// The repositories that a scripted GitHub lists: repo-000000 of an owner and so
// on, made when they are asked for. Answers are GitHub's.
class ScriptedGitHubRepositories {
 public:
  // So many more.
  void Add(size_t count, const std::string& owner) { counts_[owner] += count; }
  void Clear() { counts_.clear(); }

  // Those of all owners, as a user sees them.
  HttpResponse List(const HttpRequest& request) const;
  // Those of an owner, as an App does.
  HttpResponse ListOf(const HttpRequest& request,
                      const std::string& owner) const;

 private:
  std::map<std::string, size_t> counts_;
};

}  // namespace lamplighter
