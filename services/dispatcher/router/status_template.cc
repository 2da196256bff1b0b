#include "services/dispatcher/router/status_template.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "common/url/percent_encode.h"

namespace lamplighter::dispatcher {
namespace {

struct Field {
  absl::string_view name;
  const std::string& (*value)(const TemplateFields& fields,
                              const std::string& key);
};

template <std::string TemplateFields::* member>
const std::string& Get(const TemplateFields& fields,
                       const std::string& /*key*/) {
  return fields.*member;
}

constexpr Field kFields[] = {
    {"cluster", &Get<&TemplateFields::cluster>},
    {"kind", &Get<&TemplateFields::kind>},
    {"namespace", &Get<&TemplateFields::namespace_>},
    {"name", &Get<&TemplateFields::name>},
    {"reason", &Get<&TemplateFields::reason>},
    {"severity", &Get<&TemplateFields::severity>},
    {"message", &Get<&TemplateFields::message>},
    {"commit", &Get<&TemplateFields::commit>},
    {"provider_uid", &Get<&TemplateFields::provider_uid>},
};

const std::string& Metadata(const TemplateFields& fields,
                            const std::string& key) {
  static const auto* const none = new std::string;
  const auto it = fields.metadata.find(key);
  return it == fields.metadata.end() ? *none : it->second;
}

}  // namespace

absl::StatusOr<StatusTemplate::Part> StatusTemplate::ParseName(
    absl::string_view name) {
  const auto* field =
      std::find_if(std::begin(kFields), std::end(kFields),
                   [&](const Field& f) { return f.name == name; });
  if (field != std::end(kFields)) return Part{"", field->value};
  absl::string_view key = name;
  if (absl::ConsumePrefix(&key, "metadata.") && !key.empty()) {
    return Part{std::string(key), &Metadata};
  }
  return absl::InvalidArgumentError(
      absl::StrCat("{", name, "} is unknown; there are ",
                   absl::StrJoin(kFields, ", ",
                                 [](std::string* out, const Field& f) {
                                   absl::StrAppend(out, "{", f.name, "}");
                                 }),
                   " and {metadata.KEY}"));
}

absl::StatusOr<StatusTemplate> StatusTemplate::Parse(absl::string_view text) {
  StatusTemplate result;
  std::string plain;
  while (!text.empty()) {
    if (absl::ConsumePrefix(&text, "{{")) {
      plain.push_back('{');
      continue;
    }
    if (!absl::ConsumePrefix(&text, "{")) {
      plain.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    const size_t end = text.find('}');
    if (end == absl::string_view::npos) {
      return absl::InvalidArgumentError(
          "a { has no } ({{ stands for the brace itself)");
    }
    absl::StatusOr<Part> part = ParseName(text.substr(0, end));
    if (!part.ok()) return part.status();
    if (!plain.empty()) result.parts_.push_back({std::exchange(plain, "")});
    result.parts_.push_back(*std::move(part));
    text.remove_prefix(end + 1);
  }
  if (!plain.empty()) result.parts_.push_back({std::move(plain)});
  return result;
}

std::string StatusTemplate::Expand(const TemplateFields& fields) const {
  std::string text;
  for (const Part& part : parts_) {
    text += part.value == nullptr ? part.text : part.value(fields, part.text);
  }
  return text;
}

std::string StatusTemplate::ExpandUrl(const TemplateFields& fields) const {
  std::string text;
  for (const Part& part : parts_) {
    text += part.value == nullptr
                ? part.text
                : PercentEncode(part.value(fields, part.text));
  }
  return text;
}

}  // namespace lamplighter::dispatcher
