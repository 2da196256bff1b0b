#include "common/kubernetes/object_watch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/random/distributions.h"
#include "absl/strings/str_cat.h"
#include "boost/json/array.hpp"
#include "boost/json/value.hpp"
#include "common/kubernetes/json.h"
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/time/backoff.h"
#include "common/url/percent_encode.h"

namespace lamplighter {
namespace {

namespace json = boost::json;
using ::boost::asio::awaitable;

// How much longer than it was asked to the server may take to end a watch.
constexpr absl::Duration kGrace = absl::Seconds(30);

json::object* FindObject(json::object& parent, const char* key) {
  json::value* value = parent.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

}  // namespace

ObjectWatch::ObjectWatch(Options options, KubernetesClient& client,
                         Sleeper& sleeper, WatchRestarts restarts,
                         ObjectListener& listener)
    : options_(std::move(options)),
      client_(client),
      sleeper_(sleeper),
      restarts_(restarts),
      listener_(listener),
      version_(options_.versions.front()),
      page_(options_.page) {}

awaitable<void> ObjectWatch::Run() {
  for (;;) {
    const bool watched = !resource_version_.empty();
    const absl::Status status = co_await Step();
    if (absl::IsCancelled(status)) co_return;
    if (status.ok() && !watched) continue;
    if (status.ok()) {
      // At worst one a second: the server ends them when it likes.
      failures_ = std::min(failures_, 1);
      restarts_.ended.Increment();
    } else if (absl::IsFailedPrecondition(status)) {
      restarts_.gone.Increment();
    } else {
      restarts_.failed.Increment();
    }
    // A watch that ended as it should, with something heard, goes on at once.
    if (status.ok() && failures_ == 0) continue;
    if (!status.ok()) listener_.OnError(status);
    if (!(co_await sleeper_.SleepFor(NextDelay())).ok()) co_return;
  }
}

awaitable<absl::Status> ObjectWatch::Step() {
  const bool watches = !resource_version_.empty();
  // Only what is heard in a watch tells that all is well: a list may succeed
  // between any two watches that do not.
  if (watches) ++failures_;
  absl::Status status = watches ? co_await Watch() : co_await List();
  if (status.ok() || absl::IsCancelled(status)) co_return status;
  if (!watches) ++failures_;
  // A place that is gone, a resource that is, or what cannot be read: only a
  // list mends that. Anything else leaves the place good, even a refusal, which
  // a server that has just started makes by mistake.
  const bool resumes =
      IsTransient(status) || absl::IsDeadlineExceeded(status) ||
      absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
  if (!resumes) resource_version_.clear();
  co_return Explain(watches ? "watch" : "list", status);
}

awaitable<absl::Status> ObjectWatch::List() {
  absl::Status listed = co_await ListPages();
  if (absl::IsNotFound(listed) && !options_.group.empty()) {
    // Not in this version. The Secrets of the core are in v1 for ever.
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
        version_, co_await client_.ServedVersion(
                      options_.group, options_.resource, options_.versions));
    listed = co_await ListPages();
  }
  co_return listed;
}

awaitable<absl::Status> ObjectWatch::ListPages() {
  listener_.OnListBegin();
  std::string next;
  for (;;) {
    std::string path = absl::StrCat(Path(), "limit=", page_);
    if (!next.empty()) {
      absl::StrAppend(&path, "&continue=", PercentEncode(next));
    }
    const absl::StatusOr<std::string> body = co_await client_.Get(path);
    if (absl::IsOutOfRange(body.status()) && page_ > 1) {
      page_ /= 2;
      continue;  // the same page, shorter
    }
    LAMPLIGHTER_CO_RETURN_IF_ERROR(body.status());
    LAMPLIGHTER_CO_ASSIGN_OR_RETURN(json::object list, ParseJsonObject(*body));
    LAMPLIGHTER_CO_RETURN_IF_ERROR(TakeItems(list));
    next = TextAt(list, {"metadata", "continue"});
    if (!next.empty()) continue;
    resource_version_ = TextAt(list, {"metadata", "resourceVersion"});
    if (resource_version_.empty()) {
      co_return absl::InvalidArgumentError("a list without a resourceVersion");
    }
    listener_.OnListed();
    co_return absl::OkStatus();
  }
}

absl::Status ObjectWatch::TakeItems(json::object& list) {
  json::value* items = list.if_contains("items");
  // An empty list may be null.
  if (items != nullptr && items->is_null()) return absl::OkStatus();
  if (items == nullptr || !items->is_array()) {
    return absl::InvalidArgumentError("a list without items");
  }
  for (json::value& item : items->get_array()) {
    if (item.is_object()) listener_.OnObject(std::move(item.get_object()));
  }
  return absl::OkStatus();
}

awaitable<absl::Status> ObjectWatch::Watch() {
  // Not all watches end at the same moment.
  const absl::Duration time =
      options_.watch_time * absl::Uniform(random_, 1.0, 2.0);
  const std::string path =
      absl::StrCat(Path(), "watch=1&allowWatchBookmarks=true&resourceVersion=",
                   PercentEncode(resource_version_),
                   "&timeoutSeconds=", absl::ToInt64Seconds(time));
  auto on_line = [this](absl::string_view line) { return OnLine(line); };
  co_return co_await client_.Watch(path, time + kGrace, std::move(on_line));
}

absl::Status ObjectWatch::OnLine(absl::string_view line) {
  if (line.empty()) return absl::OkStatus();
  LAMPLIGHTER_ASSIGN_OR_RETURN(json::object event, ParseJsonObject(line));
  const std::string type = TextAt(event, {"type"});
  json::object* object = FindObject(event, "object");
  if (object == nullptr) {
    return absl::InvalidArgumentError("an event without an object");
  }
  if (type == "ERROR") {
    const json::value* code = object->if_contains("code");
    const bool gone = code != nullptr && code->is_int64() && *code == 410;
    return {gone ? absl::StatusCode::kFailedPrecondition
                 : absl::StatusCode::kUnavailable,
            absl::StrCat("the watch ended: ", TextAt(*object, {"message"}))};
  }
  std::string version = TextAt(*object, {"metadata", "resourceVersion"});
  if (version.empty()) {
    return absl::InvalidArgumentError("an object without a resourceVersion");
  }
  if (type == "ADDED" || type == "MODIFIED") {
    listener_.OnObject(std::move(*object));
  } else if (type == "DELETED") {
    listener_.OnDeleted(*object);
  } else if (type != "BOOKMARK") {
    return absl::InvalidArgumentError("an event of a type that is not known");
  }
  resource_version_ = std::move(version);
  failures_ = 0;
  listener_.OnInTouch();
  return absl::OkStatus();
}

absl::Status ObjectWatch::Explain(absl::string_view verb,
                                  const absl::Status& why) const {
  const absl::Status status = Annotate(why, verb, " ", Description());
  if (!absl::IsPermissionDenied(why)) return status;
  return {status.code(),
          absl::StrCat(status.message(), ": grant list and watch of ",
                       options_.resource, " in API group \"", options_.group,
                       "\" by a ",
                       options_.namespace_.empty()
                           ? "ClusterRole and ClusterRoleBinding"
                           : absl::StrCat("Role and RoleBinding in namespace ",
                                          options_.namespace_))};
}

std::string ObjectWatch::Description() const {
  return absl::StrCat(
      options_.resource,
      options_.group.empty() ? "" : absl::StrCat(".", options_.group),
      options_.namespace_.empty()
          ? " in all namespaces"
          : absl::StrCat(" in namespace ", options_.namespace_));
}

absl::Duration ObjectWatch::NextDelay() {
  // A server that asks for a pause gets one.
  const Backoff backoff = {options_.first_delay, options_.max_delay};
  return backoff.AtLeastHalfAfter(failures_, random_);
}

std::string ObjectWatch::Path() const {
  std::string path =
      options_.group.empty()
          ? absl::StrCat("/api/", version_)
          : absl::StrCat("/apis/", options_.group, "/", version_);
  if (!options_.namespace_.empty()) {
    absl::StrAppend(&path, "/namespaces/", options_.namespace_);
  }
  absl::StrAppend(&path, "/", options_.resource, "?");
  if (!options_.field_selector.empty()) {
    absl::StrAppend(
        &path, "fieldSelector=", PercentEncode(options_.field_selector), "&");
  }
  return path;
}

}  // namespace lamplighter
