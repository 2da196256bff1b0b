#pragma once

#include <cstdint>
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

// The REST API of Bitbucket Data Center: its URLs, credentials, errors and
// pages. Made for one operation; `call` must outlive it.
class BitbucketServerApi {
 public:
  // Of what a page holds.
  using ReadValue = std::function<absl::Status(simdjson::dom::element value)>;

  explicit BitbucketServerApi(ForgeCall& call) : call_(call) {}

  // Of what is below the API's own. `path` begins with a slash and is encoded,
  // as is that of the others.
  std::string Url(absl::string_view path) const;
  // Of what is below the call's repository.
  std::string RepositoryUrl(absl::string_view path) const;
  // Of the repository's page, for people.
  std::string PageUrl() const;
  // Of what is below the older API of builds, which knows commits only.
  std::string BuildStatusUrl(absl::string_view path) const;

  // Whatever answer comes; Unauthenticated for a credential that is none.
  boost::asio::awaitable<absl::StatusOr<HttpResult>> Send(
      std::string method, std::string url, std::string body = "");

  // The body of a success, else the error that the answer is.
  boost::asio::awaitable<absl::StatusOr<std::string>> Do(std::string method,
                                                         std::string url,
                                                         std::string body = "");

  absl::Status Error(const HttpResult& answer) const;

  // Has `read` look at each value of a page and returns where the next begins,
  // which is 0 on the last. Unavailable for what is no page, or a next one that
  // does not begin after `start`, which is this one's.
  static absl::StatusOr<int64_t> ReadPage(const std::string& body,
                                          int64_t start, const ReadValue& read);

  // The same for all pages from `url` on, twenty at most: false if there are
  // more.
  boost::asio::awaitable<absl::StatusOr<bool>> ReadAll(std::string url,
                                                       ReadValue read);

 private:
  ForgeCall& call_;
};

// Whom the forge takes the credential for; empty where it does not say so, or
// takes it for nobody's.
std::string UserOf(const HttpHeaders& headers);

}  // namespace lamplighter::provider
