#pragma once

#include <string>

#include "absl/status/status.h"

namespace lamplighter {

// How often gRPC looks whether the files of a certificate have changed.
inline constexpr unsigned int kTlsRefreshSeconds = 2;

// Whether these files in PEM can be used: gRPC would only log what is wrong
// with them, and refuse connections. `ca_file` may be empty. InvalidArgument,
// naming the file, where not.
absl::Status CheckTlsFiles(const std::string& cert_file,
                           const std::string& key_file,
                           const std::string& ca_file);

}  // namespace lamplighter
