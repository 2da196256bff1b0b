#include "services/reposync/store/database_url.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"

namespace lamplighter::reposync {
namespace {

// Bounds on how long a lost server is waited for. What the URL says comes after
// and so prevails.
constexpr absl::string_view kDefaults =
    "connect_timeout=5&application_name=lamplighter-reposync&keepalives_idle=30"
    "&tcp_user_timeout=30000";

absl::StatusOr<std::string> PercentDecode(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(text[i + 1]) ||
        !absl::ascii_isxdigit(text[i + 2])) {
      return absl::InvalidArgumentError(
          "database: a % in the URL must be written as %25");
    }
    decoded += absl::HexStringToBytes(text.substr(i + 1, 2));
    i += 2;
  }
  if (absl::StrContains(decoded, '\0')) {
    return absl::InvalidArgumentError("database: %00 in the URL");
  }
  return decoded;
}

absl::StatusOr<DatabaseUrl> ParseSqlite(absl::string_view path) {
  if (!absl::StartsWith(path, "/") || absl::EndsWith(path, "/") ||
      absl::StrContains(path, '"') ||
      std::any_of(path.begin(), path.end(), absl::ascii_iscntrl)) {
    return absl::InvalidArgumentError(
        "database: must be sqlite:///absolute/path, e.g. "
        "sqlite:///var/lib/lamplighter/catalog.db");
  }
  return DatabaseUrl{Dialect::kSqlite, std::string(path), "", {}};
}

absl::StatusOr<DatabaseUrl> ParsePostgresql(absl::string_view rest) {
  DatabaseUrl url{Dialect::kPostgresql, "", "", {}};
  const auto keep_secret = [&url](absl::string_view secret) -> absl::Status {
    absl::StatusOr<std::string> decoded = PercentDecode(secret);
    if (!decoded.ok()) return decoded.status();
    if (!secret.empty()) url.secrets = {std::string(secret), *decoded};
    return absl::OkStatus();
  };
  const absl::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  const size_t at = authority.rfind('@');
  const absl::string_view user =
      at == absl::string_view::npos ? "" : authority.substr(0, at);
  if (const size_t colon = user.find(':'); colon != absl::string_view::npos) {
    if (absl::Status kept = keep_secret(user.substr(colon + 1)); !kept.ok()) {
      return kept;
    }
  }
  if (absl::StrContains(rest, "password=")) {
    return absl::InvalidArgumentError(
        "database: the password belongs before the host: "
        "postgresql://user:password@host:port/database");
  }
  if (absl::StatusOr<std::string> decoded = PercentDecode(rest);
      !decoded.ok()) {
    return decoded.status();
  }
  const size_t slash = rest.find('/', authority.size());
  const size_t question = std::min(rest.find('?'), rest.size());
  if (slash == absl::string_view::npos || slash + 1 >= question) {
    return absl::InvalidArgumentError(
        "database: must be postgresql://user:password@host:port/database");
  }
  url.connect =
      absl::StrCat("postgresql://", rest.substr(0, question), "?", kDefaults);
  if (question + 1 < rest.size()) {
    absl::StrAppend(&url.connect, "&", rest.substr(question + 1));
  }
  return url;
}

}  // namespace

absl::StatusOr<DatabaseUrl> ParseDatabaseUrl(absl::string_view url) {
  if (absl::ConsumePrefix(&url, "sqlite://")) return ParseSqlite(url);
  if (absl::ConsumePrefix(&url, "postgresql://") ||
      absl::ConsumePrefix(&url, "postgres://")) {
    return ParsePostgresql(url);
  }
  return absl::InvalidArgumentError(
      "database: must begin with sqlite:/// or postgresql://");
}

std::string Redact(const DatabaseUrl& url, std::string message) {
  for (const std::string& secret : url.secrets) {
    absl::StrReplaceAll({{secret, "***"}}, &message);
  }
  return message;
}

}  // namespace lamplighter::reposync
