#include "services/reposync/service/json_catalog.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "boost/json/object.hpp"
#include "boost/json/serialize.hpp"
#include "common/status/macros.h"
#include "google/protobuf/util/json_util.h"

namespace lamplighter::reposync {
namespace {

namespace json = ::google::protobuf::util;
using ::boost::asio::awaitable;

constexpr char kContentType[] = "application/json";

// As the Connect protocol names and maps them.
struct ErrorForm {
  const char* code;
  int http;
};
ErrorForm FormOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kCancelled:
      return {"canceled", 499};
    case absl::StatusCode::kInvalidArgument:
      return {"invalid_argument", 400};
    case absl::StatusCode::kDeadlineExceeded:
      return {"deadline_exceeded", 504};
    case absl::StatusCode::kNotFound:
      return {"not_found", 404};
    case absl::StatusCode::kAlreadyExists:
      return {"already_exists", 409};
    case absl::StatusCode::kPermissionDenied:
      return {"permission_denied", 403};
    case absl::StatusCode::kUnauthenticated:
      return {"unauthenticated", 401};
    case absl::StatusCode::kResourceExhausted:
      return {"resource_exhausted", 429};
    case absl::StatusCode::kFailedPrecondition:
      return {"failed_precondition", 400};
    case absl::StatusCode::kAborted:
      return {"aborted", 409};
    case absl::StatusCode::kOutOfRange:
      return {"out_of_range", 400};
    case absl::StatusCode::kUnimplemented:
      return {"unimplemented", 501};
    case absl::StatusCode::kUnavailable:
      return {"unavailable", 503};
    default:
      return {"internal", 500};
  }
}

HttpResponse ErrorResponse(const absl::Status& status) {
  const ErrorForm form = FormOf(status.code());
  HttpResponse response;
  response.status = form.http;
  response.content_type = kContentType;
  response.body = boost::json::serialize(boost::json::object(
      {{"code", form.code}, {"message", std::string(status.message())}}));
  if (form.http == 401) response.headers.Add("WWW-Authenticate", "Bearer");
  return response;
}

CallProof ProofOf(const HttpRequest& request) {
  CallProof proof;
  const absl::optional<absl::string_view> authorization =
      request.headers.Find("authorization");
  if (authorization.has_value()) {
    proof.authorization = std::string(*authorization);
  }
  proof.certificate_names = request.certificate_names;
  proof.peer = request.peer;
  return proof;
}

// With parameters or without. A form that a page of another site could send is
// not JSON.
bool IsJson(const HttpRequest& request) {
  const absl::optional<absl::string_view> type =
      request.headers.Find("content-type");
  return type.has_value() &&
         absl::EqualsIgnoreCase(
             absl::StripAsciiWhitespace(type->substr(0, type->find(';'))),
             kContentType);
}

absl::Status FromProtobuf(const json::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.code()),
                      {status.message().data(), status.message().size()});
}

template <typename Request>
absl::StatusOr<Request> ParseJson(const std::string& body) {
  Request request;
  if (body.empty()) return request;
  const absl::Status parsed =
      FromProtobuf(json::JsonStringToMessage(body, &request));
  if (parsed.ok()) return request;
  // What the parser says shows a part of the body.
  if (Request::descriptor()->FindFieldByName("secret") != nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("the body is not a ", Request::descriptor()->name(),
                     " in JSON: see its fields; values of secret are base64"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the body is not a ", Request::descriptor()->name(),
                   " in JSON: ", parsed.message()));
}

}  // namespace

template <typename Request, typename Response>
awaitable<absl::StatusOr<std::string>> JsonCatalog::Call(
    CatalogMethod<Request, Response> method, HttpRequest request) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      std::string client,
      parts_.authenticator.Authorize(ProofOf(request), method.scope));
  if (!IsJson(request)) {
    co_return absl::InvalidArgumentError(
        absl::StrCat("Content-Type: must be ", kContentType));
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(Request message,
                                  ParseJson<Request>(request.body));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const Response response,
                                  co_await (parts_.methods.*method.call)(
                                      std::move(message), std::move(client)));
  std::string body;
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      FromProtobuf(json::MessageToJsonString(response, &body)));
  co_return body;
}

template <typename Request, typename Response>
awaitable<HttpResponse> JsonCatalog::Answer(
    CatalogMethod<Request, Response> method, HttpRequest request) {
  const bool is_json = IsJson(request);
  absl::StatusOr<std::string> body = co_await Call(method, std::move(request));
  parts_.requests
      .Add({{"method", method.name},
            {"code", absl::StatusCodeToString(body.status().code())}})
      .Increment();
  HttpResponse response;
  if (!body.ok()) {
    response = ErrorResponse(body.status());
    if (!is_json && absl::IsInvalidArgument(body.status())) {
      response.status = 415;
    }
    co_return response;
  }
  response.content_type = kContentType;
  response.body = *std::move(body);
  co_return response;
}

template <typename Request, typename Response>
HttpRoute JsonCatalog::Route(const CatalogMethod<Request, Response>& method) {
  return {.method = "POST",
          .path = absl::StrCat("/lamplighter.v1.CatalogService/", method.name),
          .handler = [this, &method](HttpRequest request) {
            return Answer(method, std::move(request));
          }};
}

std::vector<HttpRoute> JsonCatalog::Routes() {
  return {Route(method::kListRepositories),   Route(method::kListGroups),
          Route(method::kSearchRepositories), Route(method::kGetRepository),
          Route(method::kListConnections),    Route(method::kCreateConnection),
          Route(method::kUpdateConnection),   Route(method::kCheckConnection),
          Route(method::kDeleteConnection),   Route(method::kRefreshConnection),
          Route(method::kListRefreshes),      Route(method::kAttachRepository),
          Route(method::kDetachRepository),   Route(method::kListHooks),
          Route(method::kRepairHooks)};
}

}  // namespace lamplighter::reposync
