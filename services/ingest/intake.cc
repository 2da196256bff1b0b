#include "services/ingest/intake.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace lamplighter::ingest {

BodyKind BodyKindOf(absl::optional<absl::string_view> content_type) {
  if (!content_type.has_value()) return BodyKind::kJson;
  const absl::string_view type = absl::StripAsciiWhitespace(
      content_type->substr(0, content_type->find(';')));
  if (absl::EqualsIgnoreCase(type, "application/json") ||
      absl::EndsWithIgnoreCase(type, "+json")) {
    return BodyKind::kJson;
  }
  return absl::EqualsIgnoreCase(type, "application/x-www-form-urlencoded")
             ? BodyKind::kForm
             : BodyKind::kOther;
}

std::string PlainHeader(absl::optional<absl::string_view> value) {
  if (!value.has_value() || value->size() > 128) return "";
  for (const char c : *value) {
    if (!absl::ascii_isprint(c)) return "";
  }
  return std::string(*value);
}

Refusal Unproven(Proof proof, absl::string_view where, const Source& source) {
  if (proof == Proof::kMissing) {
    return {401, Reason::kNoSignature,
            absl::StrCat(where,
                         " is missing or empty: give the sender the "
                         "secret of source ",
                         source.name)};
  }
  return {401, Reason::kSignature,
          absl::StrCat(where,
                       " is wrong: the sender's secret is not that of "
                       "source ",
                       source.name)};
}

}  // namespace lamplighter::ingest
