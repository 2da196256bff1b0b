#include "common/kubernetes/kubernetes_object_labels.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "boost/json/value.hpp"
#include "common/kubernetes/json.h"
#include "common/kubernetes/percent_encode.h"
#include "common/status/macros.h"
#include "common/status/status.h"

namespace lamplighter {
namespace {

namespace json = boost::json;
using ::boost::asio::awaitable;

// Kinds appear seldom, when CRDs are installed; a wrong plural shows as 404.
constexpr absl::Duration kRememberResources = absl::Minutes(10);
constexpr char kMetadataOnly[] =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

std::string ApiPath(const std::string& api_version) {
  return absl::StrCat(absl::StrContains(api_version, '/') ? "/apis/" : "/api/",
                      api_version);
}

// Nothing of an event may lead to another path.
bool IsPathPart(absl::string_view text) {
  return !text.empty() && text != "." && text != ".." &&
         !absl::StrContains(text, '/');
}

bool IsApiVersion(absl::string_view text) {
  const std::vector<std::string> parts = absl::StrSplit(text, '/');
  return parts.size() <= 2 &&
         std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
           return IsPathPart(part) && PercentEncode(part) == part;
         });
}

ObjectLabels::Labels ReadLabels(const json::object& object) {
  ObjectLabels::Labels labels;
  const json::value* metadata = object.if_contains("metadata");
  if (metadata == nullptr || !metadata->is_object()) return labels;
  const json::value* found = metadata->get_object().if_contains("labels");
  if (found == nullptr || !found->is_object()) return labels;
  for (const auto& [key, value] : found->get_object()) {
    if (!value.is_string()) continue;
    labels[std::string(key.data(), key.size())] =
        std::string(value.get_string().data(), value.get_string().size());
  }
  return labels;
}

}  // namespace

template <typename Value>
const Value* KubernetesObjectLabels::Memory<Value>::Find(
    const std::string& key, absl::Duration not_before) {
  const auto found = at_.find(key);
  if (found == at_.end() || found->second->when < not_before) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &entries_.front().value;
}

template <typename Value>
void KubernetesObjectLabels::Memory<Value>::Put(const std::string& key,
                                                Value value, absl::Duration now,
                                                size_t max) {
  if (const auto found = at_.find(key); found != at_.end()) {
    entries_.erase(found->second);
    at_.erase(found);
  }
  entries_.push_front({key, std::move(value), now});
  at_[key] = entries_.begin();
  while (entries_.size() > max) {
    at_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

awaitable<absl::StatusOr<std::shared_ptr<const ObjectLabels::Labels>>>
KubernetesObjectLabels::Find(ObjectReference object) {
  if (!IsApiVersion(object.api_version) || !IsPathPart(object.name) ||
      (!object.namespace_.empty() && !IsPathPart(object.namespace_))) {
    co_return absl::InvalidArgumentError("the event names no object");
  }
  const std::string key = absl::StrCat(
      object.api_version, " ", object.kind, " ", object.namespace_, " ",
      object.name, " ", object.uid, " ", object.resource_version);
  if (const auto* known =
          labels_.Find(key, clock_.MonotonicNow() - options_.remember)) {
    co_return *known;
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
      const Resource resource,
      co_await FindResource(object.api_version, object.kind));
  std::string path = ApiPath(object.api_version);
  if (resource.namespaced) {
    absl::StrAppend(&path, "/namespaces/", PercentEncode(object.namespace_));
  }
  absl::StrAppend(&path, "/", resource.plural, "/", PercentEncode(object.name));
  const absl::StatusOr<std::string> body =
      co_await client_.Get(path, kMetadataOnly);
  if (absl::IsPermissionDenied(body.status())) {
    co_return Annotate(body.status(), "grant get of ", resource.plural,
                       " to look up labels for matchLabels");
  }
  LAMPLIGHTER_CO_RETURN_IF_ERROR(Annotate(body.status(), "get ", path));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const json::object metadata,
                                  ParseJsonObject(*body));
  auto labels = std::make_shared<const Labels>(ReadLabels(metadata));
  labels_.Put(key, labels, clock_.MonotonicNow(), options_.max_remembered);
  co_return labels;
}

awaitable<absl::StatusOr<KubernetesObjectLabels::Resource>>
KubernetesObjectLabels::FindResource(std::string api_version,
                                     std::string kind) {
  const std::string key = absl::StrCat(api_version, " ", kind);
  if (const Resource* known =
          resources_.Find(key, clock_.MonotonicNow() - kRememberResources)) {
    co_return *known;
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const std::string body,
                                  co_await client_.Get(ApiPath(api_version)));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const json::object answer,
                                  ParseJsonObject(body));
  const json::value* list = answer.if_contains("resources");
  if (list != nullptr && list->is_array()) {
    for (const json::value& entry : list->get_array()) {
      if (!entry.is_object()) continue;
      const std::string plural = TextAt(entry.get_object(), {"name"});
      // "kustomizations/status" has the same kind.
      if (TextAt(entry.get_object(), {"kind"}) != kind || !IsPathPart(plural)) {
        continue;
      }
      const json::value* flag = entry.get_object().if_contains("namespaced");
      const Resource resource{
          plural, flag != nullptr && flag->is_bool() && flag->get_bool()};
      resources_.Put(key, resource, clock_.MonotonicNow(),
                     options_.max_remembered);
      co_return resource;
    }
  }
  co_return absl::NotFoundError(
      absl::StrCat("the cluster has no kind ", kind, " in ", api_version));
}

}  // namespace lamplighter
