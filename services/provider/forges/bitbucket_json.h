#pragma once

#include <string>
#include <string_view>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "boost/json/object.hpp"
#include "simdjson.h"

// What the JSON of both Bitbuckets has in common.
namespace lamplighter::provider {

// The link of that name that a repository is cloned by, without a user name;
// empty where it has none: HTTP may be switched off.
std::string CloneUrl(simdjson::dom::element repository, std::string_view name);

// How a webhook that is shown is not as wanted: it is not active or does not
// send one of `events`. Empty if it is and does. What else it sends is no harm.
std::string WebhookDifference(simdjson::dom::element webhook,
                              absl::Span<const absl::string_view> events);

// What a webhook shall be like in the words of both: where it leads to, that it
// is active, and what it sends.
boost::json::object WebhookObject(const std::string& url,
                                  absl::Span<const absl::string_view> events);

// Adds `what` to a difference.
void AddDifference(std::string& difference, absl::string_view what);

}  // namespace lamplighter::provider
