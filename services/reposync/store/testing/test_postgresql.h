#pragma once

#include <string>

#include "absl/types/optional.h"

namespace lamplighter::reposync {

// A PostgreSQL for the tests of this process: the one that
// LAMPLIGHTER_TEST_POSTGRESQL names (postgresql://user@host:port), or one of
// its own, where Debian's is installed, on a socket in a folder of /tmp. It
// ends with the process.
class TestPostgresql {
 public:
  // Null where there is none; why is written to the test's output, once.
  static TestPostgresql* Get();

  // URL of a new, empty database.
  std::string CreateDatabase();
  // Runs a statement beside the tests' own sessions, e.g. to end these.
  void Execute(const std::string& sql);

 private:
  explicit TestPostgresql(std::string url) : url_(std::move(url)) {}
  std::string UrlOf(const std::string& database) const;

  const std::string url_;  // before and after the name of the database
  int made_ = 0;
};

}  // namespace lamplighter::reposync
