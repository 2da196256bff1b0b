#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/http_client.h"
#include "services/provider/forges/forge_call.h"
#include "simdjson.h"

// How Azure DevOps is asked, whatever for.
namespace lamplighter::provider::azuredevops {

// The newest that Server 2019 knows: a server refuses those it does not know
// yet, and all that came later, Services too, still know this one.
inline constexpr char kVersion[] = "5.0";
// Of what no version has released.
inline constexpr char kPreview[] = "5.0-preview";

// A request to the organization or collection of a call.
struct Request {
  std::string method = "GET";
  std::string path;  // below it, percent-encoded, with the query
  std::string body;  // JSON; none if empty
  const char* version = kVersion;
};

// Sends it as the token's user. Any answer but a 2xx is an error, and so is a
// page to sign in on, whatever its code: Unauthenticated.
boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(ForgeCall& call,
                                                        Request request);

// Path of the call's repository in its API.
std::string RepositoryPath(const ForgeCall& call);

// The list that `body` has at `key`, or is; its elements live as long as
// `parser`. Unavailable if there is none, or if it says that there are more.
absl::StatusOr<simdjson::dom::array> ParseList(simdjson::dom::parser& parser,
                                               const std::string& body,
                                               std::string_view key = "value");

// That it has the form of one, which all ids of projects, repositories and
// subscriptions have.
bool IsGuid(absl::string_view text);

}  // namespace lamplighter::provider::azuredevops
