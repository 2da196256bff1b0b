#include "services/dispatcher/router/status_text.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"

namespace lamplighter::dispatcher {
namespace {

enum class Letter { kLower, kUpper, kDigit, kOther };

Letter Classify(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (absl::ascii_islower(byte)) return Letter::kLower;
  if (absl::ascii_isupper(byte)) return Letter::kUpper;
  if (absl::ascii_isdigit(byte)) return Letter::kDigit;
  return Letter::kOther;
}

// Splits where the kind of letter changes; the last of several capitals before
// a small letter begins the next word: PDFLoader is PDF, Loader.
std::vector<absl::string_view> SplitCamelCase(absl::string_view text) {
  std::vector<absl::string_view> words;
  size_t begin = 0;
  for (size_t i = 1; i <= text.size(); ++i) {
    if (i < text.size() && Classify(text[i]) == Classify(text[i - 1])) continue;
    const bool lower_follows =
        i < text.size() && Classify(text[i]) == Letter::kLower;
    const bool capital_moves =
        lower_follows && Classify(text[i - 1]) == Letter::kUpper;
    const size_t end = capital_moves ? i - 1 : i;
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

}  // namespace

std::string DefaultContext(const v1::ObjectReference& object,
                           const Provider& provider) {
  const absl::string_view uid = provider.uid;
  return absl::AsciiStrToLower(absl::StrCat(object.kind(), "/", object.name(),
                                            "/", uid.substr(0, uid.find('-'))));
}

std::string ReasonInWords(absl::string_view reason) {
  return absl::AsciiStrToLower(absl::StrJoin(SplitCamelCase(reason), " "));
}

std::string Description(const v1::FluxEvent& event, DescriptionStyle style) {
  std::string words = ReasonInWords(event.reason());
  if (style == DescriptionStyle::kFlux || event.severity() != "error") {
    return words;
  }
  const absl::string_view message = absl::StripAsciiWhitespace(event.message());
  const absl::string_view line = absl::StripTrailingAsciiWhitespace(
      message.substr(0, message.find_first_of("\r\n")));
  if (line.empty()) return words;
  return words.empty() ? std::string(line) : absl::StrCat(words, ": ", line);
}

}  // namespace lamplighter::dispatcher
