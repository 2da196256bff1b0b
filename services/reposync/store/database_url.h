#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/reposync/store/database.h"

namespace lamplighter::reposync {

// Where a database is, as its URL says.
struct DatabaseUrl {
  Dialect dialect;
  std::string file;     // of SQLite
  std::string connect;  // what libpq is told: has the password
  // What no message may show: the password as it is spelled, and decoded.
  std::vector<std::string> secrets;
};

// InvalidArgument, without the password, where `url` is none of
// sqlite:///absolute/path and postgresql://user:password@host:port/database.
absl::StatusOr<DatabaseUrl> ParseDatabaseUrl(absl::string_view url);

// `message` without the secrets of `url`.
std::string Redact(const DatabaseUrl& url, std::string message);

}  // namespace lamplighter::reposync
