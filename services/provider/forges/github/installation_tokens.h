#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "services/provider/forges/forge_call.h"
#include "services/provider/forges/github/github_app.h"
#include "services/provider/turns.h"

namespace lamplighter::provider {

// The tokens of Apps' installations, each kept until five minutes before it
// expires, so that none does on its way. However many ask for one that is not
// there, one request is made, and what comes of it is everybody's. A token is
// given to those alone who have the App's private key. On the loop only.
class InstallationTokens {
 public:
  // Keeps `max_tokens` at most and forgets the soonest to expire beyond that.
  explicit InstallationTokens(size_t max_tokens = 1000)
      : max_tokens_(max_tokens) {}

  // That of an installation or, where `installation` is empty, of the one on
  // `owner`; it is masked by the call from then on. Errors as of
  // FindInstallation() and CreateInstallationToken().
  boost::asio::awaitable<absl::StatusOr<InstallationToken>> Get(
      ForgeCall& call, std::string installation, std::string owner);

  // Forgets a token that GitHub does not take.
  void Drop(const std::string& text);

 private:
  struct Entry {
    InstallationToken token;  // no text where there is none
    absl::Status error;       // of the last request for it
    int64_t requests = 0;
  };

  // Null where there is none, or it expires soon.
  const InstallationToken* FindFresh(const std::string& key, absl::Time now);
  // Makes room for a new one.
  Entry& EntryOf(const std::string& key);
  // Asks GitHub and keeps the answer.
  boost::asio::awaitable<absl::StatusOr<InstallationToken>> Refresh(
      ForgeCall& call, std::string installation, std::string owner,
      std::string key);

  const size_t max_tokens_;
  absl::flat_hash_map<std::string, Entry> entries_;
  Turns turns_{/*at_once=*/1, /*max_waiting=*/2048};
};

}  // namespace lamplighter::provider
