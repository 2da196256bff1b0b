#include "services/reposync/store/text.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace lamplighter::reposync {
namespace {

constexpr uint32_t kReplacement = 0xfffd;

bool IsPlain(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
}

bool BeginsCharacter(char c) { return (c & 0xc0) != 0x80; }

// Takes the next character off `text`, which is not empty.
uint32_t Next(absl::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const size_t length = lead < 0x80                    ? 1
                        : lead >= 0xc2 && lead < 0xe0  ? 2
                        : lead >= 0xe0 && lead < 0xf0  ? 3
                        : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                       : 0;
  uint32_t code = length < 2 ? lead : lead & (0x7f >> length);
  bool good = length > 0 && length <= text.size();
  for (size_t i = 1; good && i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    good = (byte & 0xc0) == 0x80;
    code = code << 6 | (byte & 0x3f);
  }
  // Longer than need be, half of a surrogate pair, or beyond Unicode.
  good = good && !(length == 3 && code < 0x800) &&
         !(length == 4 && (code < 0x10000 || code > 0x10ffff)) &&
         !(code >= 0xd800 && code < 0xe000);
  text.remove_prefix(good ? length : 1);
  return good ? code : kReplacement;
}

void Append(uint32_t code, std::string& text) {
  if (code < 0x80) {
    text.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    text.push_back(static_cast<char>(0xc0 | code >> 6));
    text.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else if (code < 0x10000) {
    text.push_back(static_cast<char>(0xe0 | code >> 12));
    text.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    text.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    text.push_back(static_cast<char>(0xf0 | code >> 18));
    text.push_back(static_cast<char>(0x80 | (code >> 12 & 0x3f)));
    text.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
    text.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

bool Within(uint32_t code, uint32_t first, uint32_t last) {
  return code >= first && code <= last;
}

uint32_t Lower(uint32_t code) {
  if (Within(code, 'A', 'Z')) return code + 32;
  if (Within(code, 0xc0, 0xde) && code != 0xd7) return code + 32;
  // Latin Extended-A: capitals are even, but odd in two stretches.
  if (code == 0x178) return 0xff;
  if (Within(code, 0x139, 0x148) || Within(code, 0x179, 0x17e)) {
    return code % 2 == 1 ? code + 1 : code;
  }
  if (Within(code, 0x100, 0x177) && code != 0x130 && code != 0x131 &&
      code != 0x138 && code != 0x149) {
    return code % 2 == 0 ? code + 1 : code;
  }
  if (Within(code, 0x391, 0x3a9)) return code + 32;  // Greek
  if (Within(code, 0x400, 0x40f)) return code + 80;  // Cyrillic
  if (Within(code, 0x410, 0x42f)) return code + 32;
  return code;
}

}  // namespace

std::string CleanText(absl::string_view text) {
  if (IsPlain(text)) return std::string(text);
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    if (const uint32_t code = Next(text); code != 0) Append(code, clean);
  }
  return clean;
}

std::string Fold(absl::string_view text) {
  if (IsPlain(text)) return absl::AsciiStrToLower(text);
  std::string folded;
  folded.reserve(text.size());
  while (!text.empty()) Append(Lower(Next(text)), folded);
  return folded;
}

size_t CountCharacters(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), &BeginsCharacter);
}

absl::string_view FirstCharacters(absl::string_view text, size_t count) {
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if (BeginsCharacter(text[at]) && count-- == 0) break;
  }
  return text.substr(0, at);
}

absl::string_view LastCharacters(absl::string_view text, size_t count) {
  size_t at = text.size();
  while (at > 0 && count > 0) {
    if (BeginsCharacter(text[--at])) --count;
  }
  return text.substr(at);
}

std::vector<std::string> PartsOf(absl::string_view text, size_t size,
                                 size_t step) {
  std::vector<size_t> at;  // where characters begin, and the end
  for (size_t i = 0; i < text.size(); ++i) {
    if (BeginsCharacter(text[i])) at.push_back(i);
  }
  at.push_back(text.size());
  std::vector<std::string> parts;
  for (size_t i = 0; i + size < at.size(); i += step) {
    parts.emplace_back(text.substr(at[i], at[i + size] - at[i]));
  }
  return parts;
}

}  // namespace lamplighter::reposync
