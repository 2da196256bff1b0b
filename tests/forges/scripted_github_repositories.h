#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "common/http/http_server.h"
#include "tests/forges/github_json.h"

namespace lamplighter {

// The repositories that a scripted GitHub lists: repo-000000 of an owner and so
// on, made when they are asked for. Answers are GitHub's.
class ScriptedGitHubRepositories {
 public:
  // Is told of a repository's old and new "owner/name"; the new one is empty
  // where it is gone.
  using Moved = std::function<void(const std::string&, const std::string&)>;

  // So many more.
  void Add(size_t count, const std::string& owner) { counts_[owner] += count; }
  void Clear();

  // Does what the body says:
  //   {"owner":"org","count":5}                    so many of it from now on
  //   {"owner":"org","number":3,"name":"org/x"}    renamed or transferred
  //   {"owner":"org","number":3,"deleted":true}
  //   {"owner":"org","number":3,"recreated":true}  another one of the same name
  HttpResponse Change(const HttpRequest& request, const Moved& moved);

  // Those of all owners, as a user sees them.
  HttpResponse List(const HttpRequest& request) const;
  // Those of an owner, as an App does.
  HttpResponse ListOf(const HttpRequest& request,
                      const std::string& owner) const;

  // Whatever is asked for is there, but for those that are gone.
  RepositoryName Find(const std::string& owner, const std::string& name) const;
  // Whether a path below /repos/ is of one that is gone.
  bool IsGone(absl::string_view path) const;

 private:
  struct Changed {
    RepositoryName now;
    bool is_gone = false;
  };

  // Those of `owner` from `begin` up to `end`, with commas between.
  std::string Json(const std::string& owner, size_t begin, size_t end,
                   Viewer viewer, absl::string_view host) const;

  std::map<std::string, size_t> counts_;
  // By the first owner and number.
  std::map<std::pair<std::string, size_t>, Changed> changed_;
  size_t recreated_ = 0;
};

}  // namespace lamplighter
