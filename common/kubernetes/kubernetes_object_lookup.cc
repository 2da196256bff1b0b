#include "common/kubernetes/kubernetes_object_lookup.h"

#include <algorithm>
#include <initializer_list>
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
#include "common/status/macros.h"
#include "common/status/status.h"
#include "common/url/percent_encode.h"

namespace lamplighter {
namespace {

namespace json = boost::json;
using ::boost::asio::awaitable;

// Kinds appear seldom, when CRDs are installed; a wrong plural shows as 404.
constexpr absl::Duration kRememberResources = absl::Minutes(10);
constexpr char kJson[] = "application/json";
constexpr char kMetadataOnly[] =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
constexpr absl::string_view kSourceGroup = "source.toolkit.fluxcd.io/";
// HelmRelease to HelmChart to GitRepository.
constexpr int kMaxReferences = 2;

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

std::string KeyOf(const ObjectReference& object) {
  return absl::StrCat(object.api_version, " ", object.kind, " ",
                      object.namespace_, " ", object.name, " ", object.uid, " ",
                      object.resource_version);
}

// "GitRepository flux-system/fleet".
std::string NameOf(const ObjectReference& object) {
  return absl::StrCat(object.kind, " ", object.namespace_, "/", object.name);
}

// "kustomizations.kustomize.toolkit.fluxcd.io".
std::string RbacName(const std::string& plural,
                     const std::string& api_version) {
  const size_t slash = api_version.find('/');
  if (slash == std::string::npos) return plural;
  return absl::StrCat(plural, ".", api_version.substr(0, slash));
}

// The object at a path of keys; null where there is none.
const json::object* ObjectAt(const json::object& object,
                             std::initializer_list<absl::string_view> path) {
  const json::object* at = &object;
  for (const absl::string_view key : path) {
    const json::value* next = at->if_contains({key.data(), key.size()});
    if (next == nullptr || !next->is_object()) return nullptr;
    at = &next->get_object();
  }
  return at;
}

ObjectLookup::Labels ReadLabels(const json::object& object) {
  ObjectLookup::Labels labels;
  const json::object* found = ObjectAt(object, {"metadata", "labels"});
  if (found == nullptr) return labels;
  for (const auto& [key, value] : *found) {
    if (!value.is_string()) continue;
    labels[std::string(key.data(), key.size())] =
        std::string(value.get_string().data(), value.get_string().size());
  }
  return labels;
}

bool IsSource(const ObjectReference& object, absl::string_view kind) {
  return object.kind == kind &&
         absl::StartsWith(object.api_version, kSourceGroup);
}

// What a Kustomization, a HelmRelease or another object of Flux is made from;
// of no kind where it says nothing. Its API version may be empty.
ObjectReference SourceOf(const json::object& spec,
                         const ObjectReference& object) {
  for (const std::initializer_list<absl::string_view> path :
       {std::initializer_list<absl::string_view>{"sourceRef"},
        {"chartRef"},
        {"chart", "spec", "sourceRef"}}) {
    const json::object* found = ObjectAt(spec, path);
    if (found == nullptr) continue;
    std::string namespace_ = TextAt(*found, {"namespace"});
    return {.api_version = TextAt(*found, {"apiVersion"}),
            .kind = TextAt(*found, {"kind"}),
            .namespace_ = namespace_.empty() ? object.namespace_ : namespace_,
            .name = TextAt(*found, {"name"})};
  }
  return {};
}

}  // namespace

awaitable<absl::StatusOr<std::shared_ptr<const ObjectLookup::Labels>>>
KubernetesObjectLookup::FindLabels(ObjectReference object) {
  const std::string key = KeyOf(object);
  if (const auto* known =
          labels_.Find(key, clock_.MonotonicNow() - options_.remember)) {
    co_return *known;
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const json::object found,
                                  co_await Get(object, kMetadataOnly));
  auto labels = std::make_shared<const Labels>(ReadLabels(found));
  labels_.Put(key, labels, clock_.MonotonicNow());
  co_return labels;
}

awaitable<absl::StatusOr<std::string>> KubernetesObjectLookup::FindRepository(
    ObjectReference object) {
  return FollowSource(std::move(object), 0);
}

awaitable<absl::StatusOr<std::string>> KubernetesObjectLookup::FollowSource(
    ObjectReference object, int references) {
  const std::string key = KeyOf(object);
  if (const std::string* known =
          repositories_.Find(key, clock_.MonotonicNow() - options_.remember)) {
    co_return *known;
  }
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const json::object found,
                                  co_await Get(object, kJson));
  std::string url;
  if (IsSource(object, "GitRepository")) {
    url = TextAt(found, {"spec", "url"});
  } else if (IsSource(object, "OCIRepository")) {
    // As `flux push artifact --source` has it.
    url = TextAt(found, {"status", "artifact", "metadata",
                         "org.opencontainers.image.source"});
  } else if (const json::object* spec = ObjectAt(found, {"spec"});
             spec != nullptr && references < kMaxReferences) {
    ObjectReference source = SourceOf(*spec, object);
    const bool may_tell = source.kind == "GitRepository" ||
                          source.kind == "OCIRepository" ||
                          source.kind == "HelmChart";
    if (may_tell) {
      if (source.api_version.empty()) {
        LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
            source.api_version, co_await FindSourceVersion(source.kind));
      }
      LAMPLIGHTER_CO_ASSIGN_OR_RETURN(
          url, co_await FollowSource(std::move(source), references + 1));
    }
  }
  if (url.empty()) {
    co_return absl::NotFoundError(
        absl::StrCat(NameOf(object), " names no Git repository"));
  }
  repositories_.Put(key, url, clock_.MonotonicNow());
  co_return url;
}

awaitable<absl::StatusOr<json::object>> KubernetesObjectLookup::Get(
    ObjectReference object, std::string accept) {
  if (!IsApiVersion(object.api_version) || !IsPathPart(object.name) ||
      (!object.namespace_.empty() && !IsPathPart(object.namespace_))) {
    co_return absl::NotFoundError("the event names no object");
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
      co_await client_.Get(path, std::move(accept));
  if (absl::IsPermissionDenied(body.status())) {
    co_return Annotate(body.status(), "grant get of ",
                       RbacName(resource.plural, object.api_version));
  }
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      Annotate(body.status(), "get ", NameOf(object)));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(json::object found, ParseJsonObject(*body));
  if (!object.uid.empty() && TextAt(found, {"metadata", "uid"}) != object.uid) {
    co_return absl::NotFoundError(
        absl::StrCat(NameOf(object),
                     " is another object here: the event is of an earlier one, "
                     "or of another cluster"));
  }
  co_return std::move(found);
}

awaitable<absl::StatusOr<KubernetesObjectLookup::Resource>>
KubernetesObjectLookup::FindResource(std::string api_version,
                                     std::string kind) {
  const std::string key = absl::StrCat(api_version, " ", kind);
  if (const Resource* known =
          resources_.Find(key, clock_.MonotonicNow() - kRememberResources)) {
    co_return *known;
  }
  const absl::StatusOr<std::string> body =
      co_await client_.Get(ApiPath(api_version));
  LAMPLIGHTER_CO_RETURN_IF_ERROR(
      Annotate(body.status(), "look for kind ", kind, " in ", api_version));
  LAMPLIGHTER_CO_ASSIGN_OR_RETURN(const json::object answer,
                                  ParseJsonObject(*body));
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
      resources_.Put(key, resource, clock_.MonotonicNow());
      co_return resource;
    }
  }
  co_return absl::NotFoundError(
      absl::StrCat("the cluster has no kind ", kind, " in ", api_version));
}

awaitable<absl::StatusOr<std::string>>
KubernetesObjectLookup::FindSourceVersion(std::string kind) {
  absl::Status last;
  // OCIRepository came to v1 with Flux 2.6.
  for (const char* version : {"v1", "v1beta2", "v1beta1"}) {
    std::string api_version = absl::StrCat(kSourceGroup, version);
    last = (co_await FindResource(api_version, kind)).status();
    if (last.ok()) co_return api_version;
    if (!absl::IsNotFound(last)) break;
  }
  co_return last;
}

}  // namespace lamplighter
