#include "services/provider/forges/bitbucket_json.h"

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "boost/json/array.hpp"
#include "services/provider/forges/json_text.h"

namespace lamplighter::provider {
namespace {

using ::simdjson::dom::element;

// The user that both put before the host is the one whose credential it is.
std::string WithoutUser(std::string url) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return url;
  const size_t host = scheme_end + 3;
  const size_t path = url.find('/', host);
  const size_t at = url.rfind('@', path);
  if (at != std::string::npos && at >= host) url.erase(host, at + 1 - host);
  return url;
}

}  // namespace

std::string CloneUrl(element repository, std::string_view name) {
  simdjson::dom::array links;
  if (repository["links"]["clone"].get(links)) return "";
  for (const element link : links) {
    if (StringAt(link, "name") == name) {
      return WithoutUser(StringAt(link, "href"));
    }
  }
  return "";
}

std::string WebhookDifference(element webhook,
                              absl::Span<const absl::string_view> events) {
  std::string difference;
  if (!FlagAt(webhook, "active")) {
    AddDifference(difference, "is not active");
  }
  std::vector<std::string> sent;
  simdjson::dom::array array;
  if (!webhook["events"].get(array)) {
    for (const element event : array) {
      std::string_view name;
      if (!event.get(name)) sent.emplace_back(name);
    }
  }
  std::vector<absl::string_view> missing;
  absl::c_copy_if(events, std::back_inserter(missing),
                  [&](absl::string_view event) {
                    return !absl::c_linear_search(sent, event);
                  });
  if (!missing.empty()) {
    AddDifference(difference,
                  absl::StrCat("does not send ", absl::StrJoin(missing, ", ")));
  }
  return difference;
}

boost::json::object WebhookObject(const std::string& url,
                                  absl::Span<const absl::string_view> events) {
  boost::json::array sent;
  for (const absl::string_view event : events) {
    sent.emplace_back(std::string(event));
  }
  boost::json::object webhook;
  webhook["url"] = url;
  webhook["active"] = true;
  webhook["events"] = std::move(sent);
  return webhook;
}

void AddDifference(std::string& difference, absl::string_view what) {
  absl::StrAppend(&difference, difference.empty() ? "" : "; ", what);
}

}  // namespace lamplighter::provider
