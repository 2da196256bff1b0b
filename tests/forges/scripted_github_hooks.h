#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "boost/json/object.hpp"
#include "common/http/http_server.h"

namespace lamplighter {

// A repository's webhook as GitHub keeps it.
struct ScriptedHook {
  int64_t id = 0;
  bool active = true;
  std::vector<std::string> events = {"push"};
  std::string url = "";
  std::string content_type = "form";
  std::string insecure_ssl = "0";
  std::string secret = "";
};

// The webhooks of a scripted GitHub's repositories, with GitHub's defaults: one
// of a URL and an event, twenty of an event, and secrets that read as stars.
// Keeps 100,000 at most. Answers are GitHub's.
class ScriptedGitHubHooks {
 public:
  // `repository` is any key.
  HttpResponse List(const HttpRequest& request, const std::string& repository);
  HttpResponse Create(const HttpRequest& request,
                      const std::string& repository);
  HttpResponse Edit(const HttpRequest& request, const std::string& repository,
                    int64_t id);
  HttpResponse Delete(const std::string& repository, int64_t id);

  // Those of `from` are those of `to` from now on; both "owner/repository".
  void Move(const std::string& from, const std::string& to);
  void Drop(const std::string& repository);

  // For tests: of a repository, to look at and to spoil.
  std::vector<ScriptedHook>& of(const std::string& repository) {
    return hooks_[repository];
  }
  // Somebody else creates the same at the same time as the next creation.
  void RaceOnce() { races_ = true; }
  void Clear() { hooks_.clear(); }

 private:
  // What GitHub says of it beside the others; empty where nothing is wrong.
  std::string WhatIsWrong(const std::string& repository,
                          const ScriptedHook& hook);
  size_t size() const;

  std::map<std::string, std::vector<ScriptedHook>> hooks_;
  int64_t last_id_ = 0;
  bool races_ = false;
};

}  // namespace lamplighter
