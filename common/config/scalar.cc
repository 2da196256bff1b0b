#include "common/config/scalar.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/status/macros.h"
#include "google/protobuf/duration.pb.h"
#include "proto/lamplighter/config/v1/options.pb.h"

namespace lamplighter::config_internal {
namespace {

using ::google::protobuf::Duration;
using ::google::protobuf::EnumDescriptor;
using ::google::protobuf::EnumValueDescriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;

struct ByteUnit {
  absl::string_view suffix;
  uint64_t bytes;
};
// Longer suffixes before those that they end with.
constexpr ByteUnit kByteUnits[] = {
    {"KiB", uint64_t{1} << 10},
    {"MiB", uint64_t{1} << 20},
    {"GiB", uint64_t{1} << 30},
    {"TiB", uint64_t{1} << 40},
    {"KB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
    {"B", 1},
    {"", 1},
};

absl::StatusOr<uint64_t> ParseBytes(absl::string_view text, uint64_t max) {
  for (const ByteUnit& unit : kByteUnits) {
    absl::string_view digits = text;
    if (!absl::ConsumeSuffix(&digits, unit.suffix)) continue;
    digits = absl::StripTrailingAsciiWhitespace(digits);
    uint64_t count = 0;
    if (!absl::SimpleAtoi(digits, &count)) break;
    if (count > max / unit.bytes) {
      return absl::InvalidArgumentError("is too large");
    }
    return count * unit.bytes;
  }
  return absl::InvalidArgumentError(
      "expected a number of bytes, such as 25MiB");
}

template <typename Int>
absl::StatusOr<Int> ParseInt(absl::string_view text,
                             const FieldDescriptor& field) {
  constexpr Int kMin = std::numeric_limits<Int>::min();
  constexpr Int kMax = std::numeric_limits<Int>::max();
  if (field.options().GetExtension(config::v1::bytes_size)) {
    return ParseBytes(text, static_cast<uint64_t>(kMax));
  }
  Int value = 0;
  if (absl::SimpleAtoi(text, &value)) return value;
  return absl::InvalidArgumentError(
      absl::StrCat("expected a whole number from ", kMin, " to ", kMax));
}

absl::StatusOr<double> ParseDouble(absl::string_view text) {
  double value = 0;
  if (absl::SimpleAtod(text, &value) && std::isfinite(value)) return value;
  return absl::InvalidArgumentError("expected a number");
}

absl::StatusOr<bool> ParseBool(absl::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return absl::InvalidArgumentError("expected true or false");
}

absl::StatusOr<absl::Duration> ParseDuration(absl::string_view text) {
  absl::Duration duration;
  double number = 0;
  if (text != "0" && absl::SimpleAtod(text, &number) && std::isfinite(number)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a duration needs a unit: write ", text, "s"));
  }
  if (!absl::ParseDuration(text, &duration)) {
    return absl::InvalidArgumentError(
        "expected a duration, such as 500ms, 10s or 1h30m");
  }
  if (duration < absl::ZeroDuration()) {
    return absl::InvalidArgumentError("must not be negative");
  }
  // What google.protobuf.Duration can hold: about 10,000 years.
  if (duration > absl::Seconds(315'576'000'000)) {
    return absl::InvalidArgumentError("is too long");
  }
  return duration;
}

absl::StatusOr<const EnumValueDescriptor*> ParseEnum(
    absl::string_view text, const EnumDescriptor& type) {
  std::vector<std::string> words;
  for (int i = 0; i < type.value_count(); ++i) {
    const EnumValueDescriptor* value = type.value(i);
    if (value->number() == 0) continue;  // *_UNSPECIFIED
    words.push_back(absl::AsciiStrToLower(value->name()));
    if (words.back() == text) return value;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("expected one of: ", absl::StrJoin(words, ", ")));
}

void SetDuration(absl::Duration value, Message& message) {
  auto& duration = static_cast<Duration&>(message);
  duration.set_seconds(absl::IDivDuration(value, absl::Seconds(1), &value));
  duration.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(value)));
}

}  // namespace

bool IsScalar(const FieldDescriptor& field) {
  return field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE ||
         field.message_type()->full_name() ==
             Duration::descriptor()->full_name();
}

// Parses the text and hands the value to the reflection method of the type.
#define LAMPLIGHTER_CONFIG_SET(Type, parsed)                             \
  {                                                                      \
    LAMPLIGHTER_ASSIGN_OR_RETURN(const auto value, parsed);              \
    field.is_repeated() ? reflection.Add##Type(&message, &field, value)  \
                        : reflection.Set##Type(&message, &field, value); \
    return absl::OkStatus();                                             \
  }

absl::Status SetScalar(absl::string_view text, const FieldDescriptor& field,
                       Message& message) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      LAMPLIGHTER_CONFIG_SET(String, absl::StatusOr<std::string>(text))
    case FieldDescriptor::CPPTYPE_BOOL:
      LAMPLIGHTER_CONFIG_SET(Bool, ParseBool(text))
    case FieldDescriptor::CPPTYPE_INT32:
      LAMPLIGHTER_CONFIG_SET(Int32, ParseInt<int32_t>(text, field))
    case FieldDescriptor::CPPTYPE_INT64:
      LAMPLIGHTER_CONFIG_SET(Int64, ParseInt<int64_t>(text, field))
    case FieldDescriptor::CPPTYPE_UINT32:
      LAMPLIGHTER_CONFIG_SET(UInt32, ParseInt<uint32_t>(text, field))
    case FieldDescriptor::CPPTYPE_UINT64:
      LAMPLIGHTER_CONFIG_SET(UInt64, ParseInt<uint64_t>(text, field))
    case FieldDescriptor::CPPTYPE_FLOAT:
      LAMPLIGHTER_CONFIG_SET(Float, ParseDouble(text))
    case FieldDescriptor::CPPTYPE_DOUBLE:
      LAMPLIGHTER_CONFIG_SET(Double, ParseDouble(text))
    case FieldDescriptor::CPPTYPE_ENUM:
      LAMPLIGHTER_CONFIG_SET(Enum, ParseEnum(text, *field.enum_type()))
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      LAMPLIGHTER_ASSIGN_OR_RETURN(const absl::Duration value,
                                   ParseDuration(text));
      SetDuration(value, field.is_repeated()
                             ? *reflection.AddMessage(&message, &field)
                             : *reflection.MutableMessage(&message, &field));
      return absl::OkStatus();
    }
  }
  return absl::InternalError("a field type that nobody knows");
}

#undef LAMPLIGHTER_CONFIG_SET

}  // namespace lamplighter::config_internal
