#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace lamplighter::dispatcher {

struct CelMapEntry;

// A value of the Common Expression Language. Never changes once made; copies
// share what is big, so they are cheap, and may be used on several threads.
class CelValue {
 public:
  // In the order of rep_'s alternatives.
  enum class Kind {
    kNull,
    kBool,
    kInt,
    kUint,
    kDouble,
    kString,
    kBytes,
    kList,
    kMap,
    kTimestamp,
    kDuration,
    kType,
    kOptional,
  };
  using List = std::vector<CelValue>;
  // Ordered by key: bool, then numbers, then strings.
  using Map = std::vector<CelMapEntry>;

  // Null.
  CelValue() = default;
  static CelValue Bool(bool value) { return Make<Kind::kBool>(value); }
  static CelValue Int(int64_t value) { return Make<Kind::kInt>(value); }
  static CelValue Uint(uint64_t value) { return Make<Kind::kUint>(value); }
  static CelValue Double(double value) { return Make<Kind::kDouble>(value); }
  // `value` is UTF-8. What is not is carried along as it is.
  static CelValue String(std::string value);
  static CelValue Bytes(std::string value);
  static CelValue MakeList(List elements);
  // InvalidArgument where a key is there twice (1 and 1u are the same) or is
  // neither bool, int, uint nor string.
  static absl::StatusOr<CelValue> MakeMap(Map entries);
  // `value` has no more than whole nanoseconds.
  static CelValue Timestamp(absl::Time value);
  static CelValue Duration(absl::Duration value);
  // The type of values of a kind.
  static CelValue Type(Kind kind) { return Make<Kind::kType>(kind); }
  static CelValue OptionalOf(CelValue value);
  static CelValue OptionalNone();

  Kind kind() const { return static_cast<Kind>(rep_.index()); }
  bool Is(Kind kind) const { return this->kind() == kind; }
  bool IsNumber() const;

  // Each only where kind() says so.
  bool bool_value() const { return Get<Kind::kBool>(); }
  int64_t int_value() const { return Get<Kind::kInt>(); }
  uint64_t uint_value() const { return Get<Kind::kUint>(); }
  double double_value() const { return Get<Kind::kDouble>(); }
  const std::string& string_value() const { return *Get<Kind::kString>(); }
  const std::string& bytes_value() const { return *Get<Kind::kBytes>(); }
  const List& list_value() const { return *Get<Kind::kList>(); }
  const Map& map_value() const { return *Get<Kind::kMap>(); }
  absl::Time timestamp_value() const { return Get<Kind::kTimestamp>(); }
  absl::Duration duration_value() const { return Get<Kind::kDuration>(); }
  Kind type_value() const { return Get<Kind::kType>(); }
  // Null where the optional is none.
  const CelValue* optional_value() const {
    return Get<Kind::kOptional>().get();
  }

  // The value of a key of a map, or null. Numbers are found by their value,
  // whatever their kind.
  const CelValue* Find(const CelValue& key) const;
  const CelValue* Find(absl::string_view key) const;

 private:
  using Rep = std::variant<
      std::monostate, bool, int64_t, uint64_t, double,
      std::shared_ptr<const std::string>, std::shared_ptr<const std::string>,
      std::shared_ptr<const List>, std::shared_ptr<const Map>, absl::Time,
      absl::Duration, Kind, std::shared_ptr<const CelValue>>;

  template <Kind kKind, typename T>
  static CelValue Make(T value) {
    CelValue made;
    made.rep_.emplace<static_cast<size_t>(kKind)>(std::move(value));
    return made;
  }
  // Not std::get, which throws.
  template <Kind kKind>
  const std::variant_alternative_t<static_cast<size_t>(kKind), Rep>& Get()
      const {
    return *std::get_if<static_cast<size_t>(kKind)>(&rep_);
  }

  Rep rep_;
};

struct CelMapEntry {
  CelValue key;
  CelValue value;
};

// CEL's name of the type of values of this kind: int, google.protobuf.Duration.
absl::string_view TypeName(CelValue::Kind kind);

// Less than, equal to or more than zero as `a` is less than, equal to or
// greater than `b`, both numbers of any kind, by their value; nothing where one
// is NaN.
absl::optional<int> CompareNumbers(const CelValue& a, const CelValue& b);

}  // namespace lamplighter::dispatcher
