#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/http/http_server.h"
#include "common/time/clock.h"

namespace lamplighter {

// A GitHub App at a scripted GitHub: where it is installed, and the tokens that
// it was given. Its JSON web tokens are verified as GitHub does. Answers are
// GitHub's.
class ScriptedGitHubApp {
 public:
  struct Installation {
    std::string account;
    bool is_suspended = false;
    // Names and "read" or "write".
    std::map<std::string, std::string> permissions = {
        {"metadata", "read"},
        {"repository_hooks", "write"},
        {"statuses", "write"}};
  };

  // No App where `key`, its private one in PEM, is empty.
  ScriptedGitHubApp(std::string id, std::string key, const Clock& clock)
      : id_(std::move(id)), key_(std::move(key)), clock_(clock) {}

  // Where it is installed, by id; for tests to change.
  std::map<int64_t, Installation>& installations() { return installations_; }
  // Every token is refused from now on, but new ones are given.
  void RevokeTokens() { tokens_.clear(); }
  int64_t tokens_made() const { return tokens_made_; }

  // What is wrong with the proof of who asks as the App; none if nothing.
  absl::optional<HttpResponse> RefuseJwt(absl::string_view jwt) const;

  // What an installation's token is of: null where GitHub does not know it.
  const Installation* Find(absl::string_view token) const;

  HttpResponse Get() const;
  HttpResponse ListInstallations(const HttpRequest& request) const;
  HttpResponse FindInstallation(absl::string_view account) const;
  HttpResponse CreateToken(int64_t installation);

  void Clear();

 private:
  struct Token {
    int64_t installation = 0;
    absl::Time expires_at;
  };

  const std::string id_;
  const std::string key_;
  const Clock& clock_;
  std::map<int64_t, Installation> installations_;
  std::map<std::string, Token, std::less<>> tokens_;
  int64_t tokens_made_ = 0;
};

}  // namespace lamplighter
