#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/http/http_client.h"
#include "common/tracing/tracer.h"

namespace lamplighter::provider {

// The span of a request to a forge, as part of `parent`. Of `url` it holds
// neither a user nor a query.
Span BeginRequestSpan(const Span& parent, absl::string_view method,
                      absl::string_view url);

// Ends it with what came of the request.
void EndRequestSpan(Span& span, const absl::StatusOr<HttpResult>& result);

}  // namespace lamplighter::provider
