#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "boost/json/object.hpp"
#include "tests/forges/scripted_bitbucket_parts.h"

// What Bitbucket Cloud's objects look like.
namespace lamplighter {

boost::json::object BitbucketBuildJson(const BitbucketBuild& build);

// Says whether there is a secret, and not which.
boost::json::object BitbucketWebhookJson(const BitbucketWebhook& webhook);

// Of a made-up repository.
boost::json::object BitbucketRepositoryJson(const std::string& workspace,
                                            size_t index);

// The id in the percent-encoded UUID of a webhook; 0 if it is none.
int64_t BitbucketWebhookId(absl::string_view encoded);

}  // namespace lamplighter
