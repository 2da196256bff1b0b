#include "services/dispatcher/cel/cel_value.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace lamplighter::dispatcher {
namespace {

using Kind = CelValue::Kind;

template <typename T>
int ThreeWay(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

constexpr double kTwoTo63 = 9223372036854775808.0;
constexpr double kTwoTo64 = 2 * kTwoTo63;

// What no double can tell apart counts as equal.
int CompareIntDouble(int64_t a, double b) {
  if (b < -kTwoTo63) return 1;
  return b > kTwoTo63 ? -1 : ThreeWay(static_cast<double>(a), b);
}

int CompareUintDouble(uint64_t a, double b) {
  if (b < 0) return 1;
  return b > kTwoTo64 ? -1 : ThreeWay(static_cast<double>(a), b);
}

int CompareIntUint(int64_t a, uint64_t b) {
  return a < 0 ? -1 : ThreeWay(static_cast<uint64_t>(a), b);
}

int KeyRank(const CelValue& key) {
  if (key.Is(Kind::kBool)) return 0;
  if (key.IsNumber()) return 1;
  return key.Is(Kind::kString) ? 2 : 3;
}

// A total order of keys, and of what may be looked for among them.
int CompareKeys(const CelValue& a, const CelValue& b) {
  const int rank = KeyRank(a);
  const int order = ThreeWay(rank, KeyRank(b));
  if (order != 0) return order;
  switch (rank) {
    case 0:
      return ThreeWay(a.bool_value(), b.bool_value());
    case 1:
      // NaN is no key; sorting behind all of them, it is not found either.
      return CompareNumbers(a, b).value_or(1);
    case 2:
      return a.string_value().compare(b.string_value());
    default:
      return 0;
  }
}

}  // namespace

CelValue CelValue::String(std::string value) {
  return Make<Kind::kString>(
      std::make_shared<const std::string>(std::move(value)));
}

CelValue CelValue::Bytes(std::string value) {
  return Make<Kind::kBytes>(
      std::make_shared<const std::string>(std::move(value)));
}

CelValue CelValue::MakeList(List elements) {
  return Make<Kind::kList>(std::make_shared<const List>(std::move(elements)));
}

absl::StatusOr<CelValue> CelValue::MakeMap(Map entries) {
  for (const CelMapEntry& entry : entries) {
    if (KeyRank(entry.key) > 2 || entry.key.Is(Kind::kDouble)) {
      return absl::InvalidArgumentError(
          absl::StrCat("unsupported key type: ", TypeName(entry.key.kind())));
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const CelMapEntry& a, const CelMapEntry& b) {
              return CompareKeys(a.key, b.key) < 0;
            });
  const auto twin =
      std::adjacent_find(entries.begin(), entries.end(),
                         [](const CelMapEntry& a, const CelMapEntry& b) {
                           return CompareKeys(a.key, b.key) == 0;
                         });
  if (twin != entries.end()) {
    return absl::InvalidArgumentError("repeated key in a map");
  }
  return Make<Kind::kMap>(std::make_shared<const Map>(std::move(entries)));
}

CelValue CelValue::Timestamp(absl::Time value) {
  return Make<Kind::kTimestamp>(value);
}

CelValue CelValue::Duration(absl::Duration value) {
  return Make<Kind::kDuration>(value);
}

CelValue CelValue::OptionalOf(CelValue value) {
  return Make<Kind::kOptional>(
      std::make_shared<const CelValue>(std::move(value)));
}

CelValue CelValue::OptionalNone() {
  return Make<Kind::kOptional>(std::shared_ptr<const CelValue>());
}

bool CelValue::IsNumber() const {
  return Is(Kind::kInt) || Is(Kind::kUint) || Is(Kind::kDouble);
}

const CelValue* CelValue::Find(const CelValue& key) const {
  const Map& map = map_value();
  const auto it =
      std::lower_bound(map.begin(), map.end(), key,
                       [](const CelMapEntry& entry, const CelValue& wanted) {
                         return CompareKeys(entry.key, wanted) < 0;
                       });
  if (it == map.end() || CompareKeys(it->key, key) != 0) return nullptr;
  return KeyRank(key) > 2 ? nullptr : &it->value;
}

const CelValue* CelValue::Find(absl::string_view key) const {
  const Map& map = map_value();
  const auto it =
      std::lower_bound(map.begin(), map.end(), key,
                       [](const CelMapEntry& entry, absl::string_view wanted) {
                         return !entry.key.Is(Kind::kString) ||
                                entry.key.string_value() < wanted;
                       });
  if (it == map.end() || it->key.string_value() != key) return nullptr;
  return &it->value;
}

absl::string_view TypeName(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null_type";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kUint:
      return "uint";
    case Kind::kDouble:
      return "double";
    case Kind::kString:
      return "string";
    case Kind::kBytes:
      return "bytes";
    case Kind::kList:
      return "list";
    case Kind::kMap:
      return "map";
    case Kind::kTimestamp:
      return "google.protobuf.Timestamp";
    case Kind::kDuration:
      return "google.protobuf.Duration";
    case Kind::kType:
      return "type";
    case Kind::kOptional:
      return "optional_type";
  }
  return "";
}

absl::optional<int> CompareNumbers(const CelValue& a, const CelValue& b) {
  if (b.Is(Kind::kDouble)) {
    const double other = b.double_value();
    if (std::isnan(other)) return absl::nullopt;
    if (a.Is(Kind::kInt)) return CompareIntDouble(a.int_value(), other);
    if (a.Is(Kind::kUint)) return CompareUintDouble(a.uint_value(), other);
    if (std::isnan(a.double_value())) return absl::nullopt;
    return ThreeWay(a.double_value(), other);
  }
  if (a.Is(Kind::kDouble)) {
    const absl::optional<int> order = CompareNumbers(b, a);
    return order.has_value() ? absl::optional<int>(-*order) : absl::nullopt;
  }
  if (a.Is(Kind::kInt)) {
    return b.Is(Kind::kInt) ? ThreeWay(a.int_value(), b.int_value())
                            : CompareIntUint(a.int_value(), b.uint_value());
  }
  return b.Is(Kind::kUint) ? ThreeWay(a.uint_value(), b.uint_value())
                           : -CompareIntUint(b.int_value(), a.uint_value());
}

}  // namespace lamplighter::dispatcher
