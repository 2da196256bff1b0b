#include "common/forge/git_address.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status/macros.h"

namespace lamplighter {
namespace {

// The address may hold a password: errors name only what is wrong with it.
absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("git address: ", what));
}

// An address taken apart, nothing of it checked.
struct Parts {
  std::string scheme;
  absl::string_view authority;
  absl::string_view path;
};

absl::StatusOr<Parts> Split(absl::string_view address) {
  const size_t colon = address.find(':');
  if (colon == absl::string_view::npos) {
    return Bad("must be a URL with a scheme and a host");
  }
  Parts parts;
  if (!absl::StartsWith(address.substr(colon), "://")) {  // the scp form
    if (address.substr(0, colon).find('/') != absl::string_view::npos) {
      return Bad("must be a URL with a scheme and a host");
    }
    parts.scheme = "ssh";
    parts.authority = address.substr(0, colon);
    parts.path = address.substr(colon + 1);
    return parts;
  }
  parts.scheme = absl::AsciiStrToLower(address.substr(0, colon));
  absl::string_view rest = address.substr(colon + 3);
  rest = rest.substr(0, rest.find_first_of("?#"));
  const size_t slash = std::min(rest.find('/'), rest.size());
  parts.authority = rest.substr(0, slash);
  parts.path = rest.substr(slash);
  return parts;
}

bool IsHostCharacter(char c) {
  return absl::ascii_isalnum(c) || absl::StrContains("-._[]:", c);
}

absl::StatusOr<std::string> Host(const Parts& parts, bool is_http) {
  absl::string_view host = parts.authority;
  const size_t at = host.rfind('@');
  if (at != absl::string_view::npos) host.remove_prefix(at + 1);
  if (!std::all_of(host.begin(), host.end(), &IsHostCharacter)) {
    return Bad("the host has a character that no host has");
  }
  const size_t bracket = host.rfind(']');  // the end of an IPv6 address
  const size_t colon = host.rfind(':');
  const bool has_port = colon != absl::string_view::npos &&
                        (bracket == absl::string_view::npos || colon > bracket);
  if (has_port) {
    const absl::string_view port = host.substr(colon + 1);
    if (!std::all_of(port.begin(), port.end(), &absl::ascii_isdigit)) {
      return Bad("the port is not a number");
    }
    const absl::string_view usual = parts.scheme == "https" ? "443" : "80";
    if (!is_http || port == usual || port.empty()) host = host.substr(0, colon);
  }
  if (host.empty() || host[0] == ':') return Bad("has no host");
  return absl::AsciiStrToLower(host);
}

int HexValue(char c) {
  if (!absl::ascii_isxdigit(c)) return -1;
  return absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10;
}

absl::StatusOr<std::string> PercentDecode(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size() || HexValue(text[i + 1]) < 0 ||
          HexValue(text[i + 2]) < 0) {
        return Bad("has a % that is no escape");
      }
      c = static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      i += 2;
      if (c == '/') return Bad("has an escaped slash");
    }
    if (absl::ascii_iscntrl(c)) return Bad("has a control character");
    decoded.push_back(c);
  }
  return decoded;
}

absl::StatusOr<std::string> Path(absl::string_view path, bool is_escaped) {
  while (absl::ConsumePrefix(&path, "/")) continue;
  while (absl::ConsumeSuffix(&path, "/")) continue;
  absl::ConsumeSuffix(&path, ".git");
  std::string decoded(path);
  if (is_escaped) {
    LAMPLIGHTER_ASSIGN_OR_RETURN(decoded, PercentDecode(path));
  } else if (std::any_of(path.begin(), path.end(), &absl::ascii_iscntrl)) {
    return Bad("has a control character");
  }
  for (const absl::string_view element : absl::StrSplit(decoded, '/')) {
    if (element.empty() || element == "." || element == "..") {
      return Bad("names no repository");
    }
  }
  return decoded;
}

// How a provider type names its repositories in the path.
struct Naming {
  absl::string_view provider_type;
  // The repository is the last two elements. Where this is true there may be
  // others before them: the forge is served below a path.
  bool may_have_prefix;
};

// Both ignore case in owner and repository.
constexpr Naming kNamings[] = {
    {"github", /*may_have_prefix=*/false},
    {"gitea", /*may_have_prefix=*/true},
};

}  // namespace

absl::StatusOr<GitAddress> ParseGitAddress(absl::string_view address) {
  LAMPLIGHTER_ASSIGN_OR_RETURN(const Parts parts,
                               Split(absl::StripAsciiWhitespace(address)));
  const bool is_http = parts.scheme == "https" || parts.scheme == "http";
  const bool is_other = parts.scheme == "ssh" || parts.scheme == "git+ssh" ||
                        parts.scheme == "ssh+git" || parts.scheme == "git";
  if (!is_http && !is_other) return Bad("the scheme must be https or ssh");
  GitAddress result;
  result.scheme = is_http ? parts.scheme : "https";
  LAMPLIGHTER_ASSIGN_OR_RETURN(result.host, Host(parts, is_http));
  // GitHub's SSH on the HTTPS port.
  if (is_other && result.host == "ssh.github.com") result.host = "github.com";
  const bool is_escaped = absl::StrContains(address, "://");
  LAMPLIGHTER_ASSIGN_OR_RETURN(result.path, Path(parts.path, is_escaped));
  return result;
}

absl::StatusOr<std::string> RepositoryId(absl::string_view provider_type,
                                         absl::string_view address) {
  const auto* naming = std::find_if(
      std::begin(kNamings), std::end(kNamings),
      [&](const Naming& n) { return n.provider_type == provider_type; });
  if (naming == std::end(kNamings)) {
    return absl::InvalidArgumentError(
        absl::StrCat("provider type ", provider_type, " is not supported"));
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(const GitAddress parsed,
                               ParseGitAddress(address));
  const auto slashes = std::count(parsed.path.begin(), parsed.path.end(), '/');
  if (slashes < 1 || (slashes > 1 && !naming->may_have_prefix)) {
    return Bad("the path must be owner/repository");
  }
  return absl::AsciiStrToLower(absl::StrCat(parsed.host, "/", parsed.path));
}

}  // namespace lamplighter
