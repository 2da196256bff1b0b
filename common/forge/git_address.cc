#include "common/forge/git_address.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status/macros.h"
#include "simdjson.h"

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
  // Nor can it go into a message of a topic.
  if (!simdjson::validate_utf8(decoded)) {
    return Bad("the path, percent-decoded, is not UTF-8");
  }
  for (const absl::string_view element : absl::StrSplit(decoded, '/')) {
    if (element.empty() || element == "." || element == "..") {
      return Bad("names no repository");
    }
  }
  return decoded;
}

// The hosts of SSH on the HTTPS port.
constexpr struct {
  absl::string_view ssh;
  absl::string_view host;
} kSshHosts[] = {
    {"ssh.github.com", "github.com"},
    {"altssh.gitlab.com", "gitlab.com"},
    {"altssh.bitbucket.org", "bitbucket.org"},
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
  for (const auto& [ssh, host] : kSshHosts) {
    if (is_other && result.host == ssh) result.host = std::string(host);
  }
  const bool is_escaped = absl::StrContains(address, "://");
  LAMPLIGHTER_ASSIGN_OR_RETURN(result.path, Path(parts.path, is_escaped));
  return result;
}

}  // namespace lamplighter
