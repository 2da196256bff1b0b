#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/statuses.pb.h"
#include "services/provider/forges/forge.h"

// What GitHub and the forges that copied its status API have in common.
namespace lamplighter::provider {

// `intent` in GitHub's words. InvalidArgument for a context that is empty or
// longer than 255 characters, or a state that is none. A context is never cut:
// two could become one.
absl::StatusOr<ForgeStatus> RenderLikeGitHub(const v1::StatusIntent& intent,
                                             size_t max_description);

v1::CommitState StateLikeGitHub(absl::string_view forge_state);

// The body that creates a status.
std::string StatusBody(const ForgeStatus& status);

// The id in the answer to that. Unavailable if it is none: a gateway's page.
absl::StatusOr<std::string> ParseCreated(const std::string& body);

// "message" of an error's body, with those of its "errors"; empty if the body
// has none.
std::string ErrorMessage(const std::string& body);

// Statuses as one page of them came.
struct StatusPage {
  std::vector<ForgeStatus> statuses;
  bool is_last = false;
};

// The statuses of a commit's combined status, in which `state_key` is the name
// of the state. Unavailable if the body is something else.
absl::StatusOr<std::vector<ForgeStatus>> ParseCombinedStatus(
    const std::string& body, absl::string_view state_key);

// Gets a page, from 1.
using FetchPage =
    std::function<boost::asio::awaitable<absl::StatusOr<StatusPage>>(int page)>;
using IsWanted = std::function<bool(const ForgeStatus&)>;

// Both read page after page, twenty at most.

// The newest status of each context.
boost::asio::awaitable<absl::StatusOr<std::vector<ForgeStatus>>> ListOnPages(
    FetchPage fetch);

// The newest on the first page that has one that `is_wanted`.
boost::asio::awaitable<absl::StatusOr<absl::optional<ForgeStatus>>> FindOnPages(
    FetchPage fetch, IsWanted is_wanted);

}  // namespace lamplighter::provider
