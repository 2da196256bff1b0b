#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "common/http/http_server.h"

namespace lamplighter {

// The phrase that goes with a status, "Unknown Status" if there is none.
absl::string_view ReasonPhrase(int status);

// What becomes of the connection after an answer. HTTP/1.0 clients must be told
// that it stays open, HTTP/1.1 ones that it does not.
enum class ConnectionField : uint8_t { kNone, kClose, kKeepAlive };

// Appends the status line and the header, up to and with the empty line.
// Characters in header values that would end the line become spaces.
void AppendResponseHead(const HttpResponse& response,
                        ConnectionField connection, absl::string_view date,
                        std::string& out);

}  // namespace lamplighter
