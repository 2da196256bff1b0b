#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/asio/awaitable.hpp"
#include "common/grpc/authenticator.h"
#include "common/http/http_server.h"
#include "common/metrics/metrics.h"
#include "services/reposync/service/catalog_methods.h"

namespace lamplighter::reposync {

// CatalogService's methods but its stream as JSON over HTTP: POST
// /lamplighter.v1.CatalogService/METHOD with the request in proto3's JSON form,
// as unary calls of the Connect protocol have it. Errors are its {"code",
// "message"} with their HTTP status; 415 for what is not application/json. On
// the loop only.
class JsonCatalog {
 public:
  // What it works with. All must outlive it.
  struct Parts {
    Authenticator& authenticator;
    CatalogMethods& methods;
    Metrics::Counters& requests;  // by method and code
  };

  explicit JsonCatalog(const Parts& parts) : parts_(parts) {}

  // One a method; this must outlive them.
  std::vector<HttpRoute> Routes();

 private:
  template <typename Request, typename Response>
  HttpRoute Route(const CatalogMethod<Request, Response>& method);
  template <typename Request, typename Response>
  boost::asio::awaitable<HttpResponse> Answer(
      CatalogMethod<Request, Response> method, HttpRequest request);
  template <typename Request, typename Response>
  boost::asio::awaitable<absl::StatusOr<std::string>> Call(
      CatalogMethod<Request, Response> method, HttpRequest request);

  const Parts parts_;
};

}  // namespace lamplighter::reposync
