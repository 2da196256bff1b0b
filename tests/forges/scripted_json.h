#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "boost/json/object.hpp"
#include "boost/json/value.hpp"
#include "common/http/http_server.h"

// For scripted forges that keep and show JSON.
namespace lamplighter {

HttpResponse Json(int status, const boost::json::value& body);

// The object that a body is; none otherwise.
absl::optional<boost::json::object> ReadBody(const HttpRequest& request);

// The text at `key`; empty where there is none.
std::string TextAt(const boost::json::object& object, absl::string_view key);

size_t CountCharacters(absl::string_view text);

// Every commit is known but the one of forty zeros.
bool IsKnownCommit(absl::string_view sha);

}  // namespace lamplighter
