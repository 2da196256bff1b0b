#include "tests/vectors/status_rules.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "boost/json/array.hpp"
#include "boost/json/object.hpp"
#include "re2/re2.h"
#include "tests/vectors/duplicate_subject.h"

namespace lamplighter::vectors {
namespace {

namespace json = ::boost::json;

// What the input names in place of a commit, as Flux finds it.
std::string IdIn(const Vector& vector) {
  std::string revision = Text(vector.in);
  for (const char* key : {"revision", "originRevision", "commit"}) {
    const std::string value = Text(Object(vector.in, "metadata"), key);
    if (!value.empty()) revision = value;
  }
  const char separator = absl::StrContains(revision, ':') ? ':' : '/';
  return revision.substr(revision.rfind(separator) + 1);
}

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), &absl::ascii_isxdigit);
}

// Whether a text of ours may stand for one of Flux's.
using TextRule =
    std::function<bool(const std::string& flux, const std::string& ours)>;

std::string Clean(std::string text) {
  RE2::GlobalReplace(&text, "[\\x{00}-\\x{1f}\\x{7f}-\\x{9f}]", " ");
  return std::string(absl::StripAsciiWhitespace(text));
}

bool IsClean(const std::string& flux, const std::string& ours) {
  return flux != ours && ours == Clean(flux);
}

bool IsCut(const std::string& flux, const std::string& ours) {
  absl::string_view kept = ours;
  constexpr size_t kShortestLimit = 100;  // of any forge's texts
  return absl::ConsumeSuffix(&kept, "…") && kept.size() >= kShortestLimit &&
         ours.size() <= flux.size() + 2 && absl::StartsWith(Clean(flux), kept);
}

bool IsMissing(const std::string& flux, const std::string& ours) {
  return flux.empty() && ours.empty();
}

bool IsEither(const std::string& flux, const std::string& ours) {
  return IsClean(flux, ours) || IsCut(flux, ours);
}

// Texts that `own` explains, and whether others do all the rest.
class Difference {
 public:
  Difference(TextRule own, TextRule others)
      : own_(std::move(own)), others_(std::move(others)) {}

  bool Explains(const Comparison& answers) {
    return !answers.flux.refused() && !answers.ours.refused() &&
           Explains(answers.flux.value, answers.ours.value) && is_used_;
  }

 private:
  bool Explains(const json::value& flux, const json::value& ours) {
    if (flux == ours) return true;
    if (flux.is_array() && ours.is_array()) {
      return std::equal(
          flux.get_array().begin(), flux.get_array().end(),
          ours.get_array().begin(), ours.get_array().end(),
          [this](const auto& a, const auto& b) { return Explains(a, b); });
    }
    if (flux.is_object() && ours.is_object()) {
      return ExplainsFields(flux.get_object(), ours.get_object());
    }
    if (!flux.is_string() || !ours.is_string()) return false;
    return ExplainsText(Text(flux), Text(ours));
  }

  bool ExplainsFields(const json::object& flux, const json::object& ours) {
    size_t common = 0;
    for (const auto& [key, value] : flux) {
      const json::value* other = ours.if_contains(key);
      if (other != nullptr) ++common;
      const bool is_explained =
          other != nullptr ? Explains(value, *other)
                           : Text(value).empty() && ExplainsText("", "");
      if (!is_explained) return false;
    }
    return common == ours.size();
  }

  bool ExplainsText(const std::string& flux, const std::string& ours) {
    const bool is_own = own_(flux, ours);
    is_used_ = is_used_ || is_own;
    return is_own || others_(flux, ours) || IsMissing(flux, ours);
  }

  const TextRule own_;
  const TextRule others_;
  bool is_used_ = false;
};

}  // namespace

bool CommitIsHex(const Vector& vector, const Comparison& answers) {
  const std::string flux = Text(answers.flux.value);
  const std::string id = flux.empty() ? IdIn(vector) : flux;
  return !answers.flux.refused() && answers.ours.refused() && id.size() == 40 &&
         !IsHex(id);
}

bool CommitInLowerCase(const Vector& vector, const Comparison& answers) {
  const std::string id = IdIn(vector);
  const auto is_lowered = [&](const std::string& flux,
                              const std::string& ours) {
    return flux != ours &&
           ours == absl::StrReplaceAll(flux, {{id, absl::AsciiStrToLower(id)}});
  };
  return !id.empty() && IsHex(id) &&
         Difference(is_lowered, &IsEither).Explains(answers);
}

bool Sha256Commits(const Vector& vector, const Comparison& answers) {
  const std::string id = IdIn(vector);
  return answers.flux.refused() && !answers.ours.refused() && id.size() == 64 &&
         IsHex(id);
}

bool ForwardedMetadata(const Vector& vector, const Comparison& /*answers*/) {
  const json::object metadata = Object(vector.in, "event.metadata");
  return vector.fn == "metadata" && !metadata.empty() &&
         std::none_of(metadata.begin(), metadata.end(), [](const auto& entry) {
           return absl::StrContains(std::string(entry.key()), '/');
         });
}

bool DefaultSeverity(const Vector& vector, const Comparison& answers) {
  return vector.fn == "alertMatch" &&
         Object(vector.in, "alert(ns=flux-system)").count("eventSeverity") ==
             0 &&
         answers.ours.value == true;
}

bool NewestStatusCounts(const Vector& vector, const Comparison& answers) {
  if (!absl::StartsWith(vector.fn, "duplicate")) return false;
  const std::vector<std::string> shown = StatusesIn(Text(vector.in));
  const std::string& newest =
      absl::StrContains(vector.fn, "Azure") ? shown.back() : shown.front();
  const bool is_same =
      RE2::PartialMatch(newest, "same|identical") &&
      !RE2::PartialMatch(newest, "nil|different|other|failed|error|differs");
  return shown.size() > 1 && answers.ours.value == is_same;
}

bool GitHubContextsIgnoreCase(const Vector& vector, const Comparison& answers) {
  return absl::StartsWith(vector.fn, "duplicateGithub") &&
         absl::StrContains(Text(vector.in), "differs by case") &&
         answers.ours.value == true;
}

bool BitbucketAccessTokens(const Vector& vector, const Comparison& answers) {
  return vector.fn == "ctor" &&
         absl::StrContains(answers.flux.error, "invalid token format") &&
         !answers.ours.refused();
}

bool NoEmptyLink(const Vector& /*vector*/, const Comparison& answers) {
  return Difference(&IsMissing, &IsEither).Explains(answers);
}

bool CutToTheLimit(const Vector& /*vector*/, const Comparison& answers) {
  return Difference(&IsCut, &IsEither).Explains(answers);
}

bool OneCleanLine(const Vector& /*vector*/, const Comparison& answers) {
  return Difference(&IsClean, &IsEither).Explains(answers);
}

bool ReasonsInAscii(const Vector& vector, const Comparison& answers) {
  const auto is_ascii = [](char c) { return absl::ascii_isascii(c); };
  // All that is plain in it, without the ends of words.
  const auto plain = [&](const Answer& answer) {
    std::string text;
    if (const json::array* parts = answer.value.if_array()) {
      for (const json::value& part : *parts) {
        for (const char c : Text(part)) {
          if (is_ascii(c) && c != ' ') text.push_back(c);
        }
      }
    }
    return text;
  };
  const std::string reason = Text(vector.in);
  return vector.fn == "formatNameAndDescription" &&
         !std::all_of(reason.begin(), reason.end(), is_ascii) &&
         plain(answers.flux) == plain(answers.ours);
}

bool NoEmptyContext(const Vector& vector, const Comparison& answers) {
  return vector.fn == "sha1String" && Text(vector.in).empty() &&
         answers.ours.refused();
}

}  // namespace lamplighter::vectors
