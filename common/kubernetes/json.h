#pragma once

#include <initializer_list>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "boost/json/object.hpp"

namespace lamplighter {

// What Kubernetes sends is one object. InvalidArgument for what is none; the
// message holds nothing of it.
absl::StatusOr<boost::json::object> ParseJsonObject(absl::string_view text);

// The text at a path of keys ({"metadata", "name"}); empty where there is none.
std::string TextAt(const boost::json::object& object,
                   std::initializer_list<absl::string_view> path);

}  // namespace lamplighter
