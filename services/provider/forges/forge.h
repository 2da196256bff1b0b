#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/provider/forges/forge_call.h"

namespace lamplighter::provider {

// A status in a forge's own words.
struct ForgeStatus {
  std::string context;
  std::string state;
  std::string description;
  std::string target_url;
  // What people see in place of the context; empty where they see that.
  std::string name;
  // The rest is the forge's to say.
  std::string id;
  absl::optional<absl::Time> updated_at;
  // What `context` begins with, before a slash, where a forge keeps it apart.
  std::string genre;
};

// True if setting `wanted` would change nothing about `shown`.
inline bool ShowsTheSame(const ForgeStatus& shown, const ForgeStatus& wanted) {
  return shown.state == wanted.state &&
         shown.description == wanted.description &&
         shown.target_url == wanted.target_url && shown.name == wanted.name;
}

// A type of forge: what its API calls things. One per type and process, for all
// Providers of it; on the loop only. It sees texts that have been cleaned and
// masked, and never decides whether to write: SetStatus() does, for all.
//
// Errors are those of ProviderService, RESOURCE_EXHAUSTED always with
// RetryInfo; what the forge said in them went through ForgeCall::Quote().
class Forge {
 public:
  virtual ~Forge() = default;

  // What the forge will show for `intent`: its word for the state, texts cut to
  // its limits, so that it can be compared with what it shows. InvalidArgument
  // where it can show no such thing.
  virtual absl::StatusOr<ForgeStatus> Render(
      const v1::StatusIntent& intent) const = 0;

  // What a state that the forge shows means to us.
  virtual v1::CommitState StateOf(absl::string_view forge_state) const = 0;

  // The newest status of `wanted`'s context on the commit, if there is any.
  virtual boost::asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>>
  Find(ForgeCall& call, std::string sha, ForgeStatus wanted) = 0;

  // Sets it and returns the forge's own id of it, which may be empty.
  // DeadlineExceeded where that is not known to have worked or failed.
  virtual boost::asio::awaitable<absl::StatusOr<std::string>> Write(
      ForgeCall& call, std::string sha, ForgeStatus status) = 0;

  // The newest status of each context on the commit.
  virtual boost::asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> List(
      ForgeCall& call, std::string sha) = 0;
};

}  // namespace lamplighter::provider
