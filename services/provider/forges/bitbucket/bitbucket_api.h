#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/asio/awaitable.hpp"
#include "common/http/http_client.h"
#include "services/provider/forges/forge_call.h"
#include "simdjson.h"

namespace lamplighter::provider {

// Bitbucket Cloud's API, version 2.0: its URLs, credentials, errors and pages.
// Made for one operation; `call` must outlive it.
class BitbucketApi {
 public:
  // Of what a page holds.
  using ReadValue = std::function<absl::Status(simdjson::dom::element value)>;

  explicit BitbucketApi(ForgeCall& call) : call_(call) {}

  // Of what is below the API's own, or below the call's repository. `path`
  // begins with a slash and is encoded.
  std::string Url(absl::string_view path) const;
  std::string RepositoryUrl(absl::string_view path) const;

  // The credential is of a repository, a project or a workspace (or OAuth's),
  // and no user's with an API token or an app password.
  bool HasAccessToken() const;
  // Of the latter; empty for an access token.
  std::string User() const;

  // Whatever answer comes; Unauthenticated or InvalidArgument for a credential
  // that cannot be sent.
  boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(
      std::string method, std::string url, std::string body = "");

  // The body of a success, else the error that the answer is.
  boost::asio::awaitable<absl::StatusOr<std::string>> Do(std::string method,
                                                         std::string url,
                                                         std::string body = "");

  absl::Status Error(const HttpResult& answer) const;

  // Has `read` look at each value of a page and returns the query of the next,
  // which is empty on the last. Unavailable for what is no page of the list at
  // `url`, or names a next one that is not: the credential goes nowhere that an
  // answer says.
  static absl::StatusOr<std::string> ReadPage(const std::string& body,
                                              const std::string& url,
                                              const ReadValue& read);

  // The same for all pages from `url` on, twenty at most: false if there are
  // more.
  boost::asio::awaitable<absl::StatusOr<bool>> ReadAll(std::string url,
                                                       ReadValue read);

 private:
  ForgeCall& call_;
};

// Whether `text` can be the query of a URL: nothing of it leads elsewhere.
bool IsQuery(absl::string_view text);

}  // namespace lamplighter::provider
