#include "common/kubernetes/kubernetes_client.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/value.hpp"
#include "common/kubernetes/json.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace lamplighter {
namespace {

namespace json = boost::json;
using ::boost::asio::awaitable;

constexpr size_t kMaxErrorBody = 64 << 10;
constexpr size_t kMaxMessage = 1024;

absl::StatusCode CodeFor(int status) {
  switch (status) {
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 410:
      return absl::StatusCode::kFailedPrecondition;
    case 429:
      return absl::StatusCode::kResourceExhausted;
    default:
      return status >= 500 ? absl::StatusCode::kUnavailable
                           : absl::StatusCode::kInvalidArgument;
  }
}

// What an answer other than 200 says; its body is a Status object.
absl::Status ErrorFor(const HttpResult& result) {
  std::string message;
  if (result.body.size() <= kMaxErrorBody) {
    const absl::StatusOr<json::object> body = ParseJsonObject(result.body);
    if (body.ok()) message = TextAt(*body, {"message"});
  }
  if (message.empty()) message = "no reason given";
  message.resize(std::min(message.size(), kMaxMessage));
  return {CodeFor(result.status), absl::StrCat(result.status, ": ", message)};
}

// Whether the list `key` of `object` has an entry whose `field` is `text`.
bool Lists(const json::object& object, const char* key, const char* field,
           const std::string& text) {
  const json::value* list = object.if_contains(key);
  if (list == nullptr || !list->is_array()) return false;
  return std::any_of(list->get_array().begin(), list->get_array().end(),
                     [&](const json::value& entry) {
                       return entry.is_object() &&
                              TextAt(entry.get_object(), {field}) == text;
                     });
}

}  // namespace

absl::StatusOr<std::unique_ptr<KubernetesClient>> KubernetesClient::Create(
    const Options& options, const ClusterConfig& config, HttpClient& http) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(ClusterCredentials credentials,
                               ClusterCredentials::Create(config));
  return absl::WrapUnique(new KubernetesClient(options, config.server,
                                               std::move(credentials), http));
}

HttpCall KubernetesClient::MakeCall(absl::string_view path,
                                    std::string accept) {
  credentials_.Refresh();
  HttpCall call;
  call.url = absl::StrCat(server_, path);
  call.headers.Add("Accept", std::move(accept));
  if (!credentials_.token().empty()) {
    call.headers.Add("Authorization",
                     absl::StrCat("Bearer ", credentials_.token()));
  }
  call.timeout = options_.timeout;
  call.max_response = options_.max_response;
  call.transport = credentials_.transport();
  return call;
}

awaitable<absl::StatusOr<std::string>> KubernetesClient::Get(
    std::string path, std::string accept) {
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      HttpResult result,
      co_await http_.Send(MakeCall(path, std::move(accept))));
  if (result.status != 200) co_return ErrorFor(result);
  co_return std::move(result.body);
}

awaitable<absl::Status> KubernetesClient::Watch(std::string path,
                                                absl::Duration limit,
                                                LineSplitter::OnLine on_line) {
  LineSplitter lines(options_.max_line, std::move(on_line));
  HttpCall call = MakeCall(path, "application/json");
  call.timeout = limit;
  call.on_body = [&lines](absl::string_view piece) {
    return lines.Take(piece);
  };
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const HttpResult result,
                                  co_await http_.Send(std::move(call)));
  co_return result.status == 200 ? absl::OkStatus() : ErrorFor(result);
}

awaitable<absl::StatusOr<std::string>> KubernetesClient::ServedVersion(
    std::string group, std::string resource,
    std::vector<std::string> versions) {
  const std::string path = absl::StrCat("/apis/", group);
  absl::StatusOr<std::string> body = co_await Get(path);
  const std::string missing = absl::StrCat(
      resource, ".", group, " is served in none of ",
      absl::StrJoin(versions, ", "), ": install Flux's CRDs in the cluster");
  if (absl::IsNotFound(body.status())) co_return absl::NotFoundError(missing);
  LAMPLIGHTER_CO_RETURN_IF_ERROR(body.status());
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const json::object served,
                                  ParseJsonObject(*body));
  for (const std::string& version : versions) {
    if (!Lists(served, "versions", "version", version)) continue;
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        body, co_await Get(absl::StrCat(path, "/", version)));
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const json::object resources,
                                    ParseJsonObject(*body));
    if (Lists(resources, "resources", "name", resource)) co_return version;
  }
  co_return absl::NotFoundError(missing);
}

}  // namespace lamplighter
