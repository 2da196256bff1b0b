#include "services/provider/outgoing_text.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "re2/re2.h"

namespace lamplighter::provider {
namespace {

constexpr absl::string_view kMask = "***";
constexpr size_t kShortestSecret = 6;

bool BeginsCharacter(char c) {
  return (static_cast<uint8_t>(c) & 0xC0) != 0x80;
}

// U+0080 to U+009F, the control characters of Latin-1, are C2 80 to C2 9F.
bool IsC1Control(absl::string_view text, size_t i) {
  return i + 1 < text.size() && text[i] == '\xC2' &&
         static_cast<uint8_t>(text[i + 1]) <= 0x9F;
}

}  // namespace

std::string CleanLine(absl::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsC1Control(text, i)) {
      line.push_back(' ');
      ++i;
    } else {
      line.push_back(absl::ascii_iscntrl(text[i]) ? ' ' : text[i]);
    }
  }
  absl::StripAsciiWhitespace(&line);
  return line;
}

size_t CountCharacters(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), &BeginsCharacter);
}

std::string CutCharacters(absl::string_view text, size_t max) {
  if (text.size() <= max || CountCharacters(text) <= max) {
    return std::string(text);
  }
  size_t end = 0;
  for (size_t characters = 0; end < text.size(); ++end) {
    if (BeginsCharacter(text[end]) && characters++ == max - 1) break;
  }
  return absl::StrCat(absl::StripTrailingAsciiWhitespace(text.substr(0, end)),
                      "…");
}

std::string MaskSecrets(absl::string_view text,
                        const std::vector<std::string>& secrets) {
  static const auto* const password_in_url =
      new RE2(R"((://[^/@:\s]*):[^/@\s]+@)");
  static const auto* const token = new RE2(
      R"(\b(gh[a-z]_|github_pat_|glpat-|ATATT|ATCTT)[A-Za-z0-9_\-.=]{16,})");
  std::string masked(text);
  for (const std::string& secret : secrets) {
    if (secret.size() < kShortestSecret) continue;
    absl::StrReplaceAll({{secret, kMask}}, &masked);
  }
  RE2::GlobalReplace(&masked, *password_in_url, R"(\1:***@)");
  RE2::GlobalReplace(&masked, *token, "***");
  return masked;
}

}  // namespace lamplighter::provider
