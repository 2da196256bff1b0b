#include <cmath>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "common/status/macros.h"
#include "services/dispatcher/cel/functions.h"
#include "services/dispatcher/cel/number_text.h"
#include "services/dispatcher/cel/time_text.h"
#include "services/dispatcher/cel/utf8.h"

namespace lamplighter::dispatcher::cel {
namespace {

using Kind = CelValue::Kind;

absl::StatusOr<CelValue> Base64Encode(Arguments a, Budget& budget) {
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(a[0].bytes_value().size() * 2));
  return CelValue::String(absl::Base64Escape(a[0].bytes_value()));
}

// With or without padding. Abseil alone would also take spaces and dots.
absl::StatusOr<CelValue> Base64Decode(Arguments a, Budget& budget) {
  const std::string& text = a[0].string_value();
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(text.size()));
  for (size_t i = 0; i < text.size(); ++i) {
    if (!absl::ascii_isalnum(text[i]) && text[i] != '+' && text[i] != '/' &&
        text[i] != '=' && text[i] != '\r' && text[i] != '\n') {
      return absl::InvalidArgumentError(
          absl::StrCat("illegal base64 data at input byte ", i));
    }
  }
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes)) {
    return absl::InvalidArgumentError("illegal base64 data");
  }
  return CelValue::Bytes(std::move(bytes));
}

absl::Status AppendJson(const CelValue& value, Budget& budget,
                        std::string& out);

// As Go's encoding/json: also escapes what HTML would take for markup.
std::string JsonString(absl::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const CodePoint next = DecodeFirst(text);
    const uint32_t c = next.value;
    const size_t letter = absl::string_view("\b\f\n\r\t\"\\").find(text[0]);
    if (letter != absl::string_view::npos) {
      json.append({'\\', "bfnrt\"\\"[letter]});
    } else if (c < 0x20 || c == '<' || c == '>' || c == '&' || c == 0x2028 ||
               c == 0x2029) {
      absl::StrAppendFormat(&json, "\\u%04x", c);
    } else {
      AppendUtf8(c, json);
    }
    text.remove_prefix(next.length);
  }
  return json + "\"";
}

// What a double cannot hold exactly is written as text.
template <typename T>
std::string JsonInteger(T value, uint64_t magnitude) {
  constexpr uint64_t kExact = (uint64_t{1} << 53) - 1;
  return magnitude <= kExact ? absl::StrCat(value)
                             : absl::StrCat("\"", value, "\"");
}

absl::Status AppendJsonList(const CelValue::List& list, Budget& budget,
                            std::string& out) {
  absl::string_view separator = "[";
  for (const CelValue& element : list) {
    out.append(separator.data(), separator.size());
    LAMPLIGHTER_RETURN_IF_ERROR(AppendJson(element, budget, out));
    separator = ",";
  }
  out.append(list.empty() ? "[]" : "]");
  return absl::OkStatus();
}

absl::Status AppendJsonMap(const CelValue::Map& map, Budget& budget,
                           std::string& out) {
  absl::string_view separator = "{";
  for (const CelMapEntry& entry : map) {
    if (!entry.key.Is(Kind::kString)) {
      return absl::InvalidArgumentError(
          absl::StrCat("unsupported type conversion from '",
                       TypeName(entry.key.kind()), "' to string"));
    }
    out.append(separator.data(), separator.size());
    LAMPLIGHTER_RETURN_IF_ERROR(AppendJson(entry.key, budget, out));
    out.push_back(':');
    LAMPLIGHTER_RETURN_IF_ERROR(AppendJson(entry.value, budget, out));
    separator = ",";
  }
  out.append(map.empty() ? "{}" : "}");
  return absl::OkStatus();
}

absl::StatusOr<std::string> JsonScalar(const CelValue& value) {
  switch (value.kind()) {
    case Kind::kBool:
      return value.bool_value() ? "true" : "false";
    case Kind::kInt: {
      const int64_t number = value.int_value();
      const auto bits = static_cast<uint64_t>(number);
      return JsonInteger(number, number < 0 ? 0 - bits : bits);
    }
    case Kind::kUint:
      return JsonInteger(value.uint_value(), value.uint_value());
    case Kind::kDouble:
      return std::isfinite(value.double_value())
                 ? JsonText(value.double_value())
                 : JsonString(PlainText(value.double_value()));
    case Kind::kString:
      return JsonString(value.string_value());
    case Kind::kBytes:
      return JsonString(absl::Base64Escape(value.bytes_value()));
    case Kind::kTimestamp:
      return JsonString(TimestampText(value.timestamp_value()));
    case Kind::kDuration:
      return JsonString(DurationText(value.duration_value()));
    case Kind::kNull:
      return "null";
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "type conversion not supported for '", TypeName(value.kind()), "'"));
  }
}

absl::Status AppendJson(const CelValue& value, Budget& budget,
                        std::string& out) {
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Spend(1));
  if (value.Is(Kind::kList)) {
    return AppendJsonList(value.list_value(), budget, out);
  }
  if (value.Is(Kind::kMap)) {
    return AppendJsonMap(value.map_value(), budget, out);
  }
  if (value.Is(Kind::kOptional)) {
    if (value.optional_value() != nullptr) {
      return AppendJson(*value.optional_value(), budget, out);
    }
    return absl::InvalidArgumentError("optional.none() dereference");
  }
  LAMPLIGHTER_ASSIGN_OR_RETURN(const std::string text, JsonScalar(value));
  LAMPLIGHTER_RETURN_IF_ERROR(budget.Allocate(text.size()));
  out.append(text);
  return absl::OkStatus();
}

absl::StatusOr<CelValue> JsonEncode(Arguments a, Budget& budget) {
  std::string json;
  LAMPLIGHTER_RETURN_IF_ERROR(AppendJson(a[0], budget, json));
  return CelValue::String(std::move(json));
}

constexpr FunctionRow kFunctions[] = {
    {"base64.decode", "(string) -> bytes", &Base64Decode},
    {"base64.encode", "(bytes) -> string", &Base64Encode},
    {"json.encode", "(dyn) -> string", &JsonEncode},
};

}  // namespace

absl::Span<const FunctionRow> EncoderFunctions() { return kFunctions; }

}  // namespace lamplighter::dispatcher::cel
