#include "services/dispatcher/cel/cel_struct.h"

#include <utility>

#include "common/log/log.h"

namespace lamplighter::dispatcher {
namespace {

CelValue FromValue(const google::protobuf::Value& value) {
  switch (value.kind_case()) {
    case google::protobuf::Value::kBoolValue:
      return CelValue::Bool(value.bool_value());
    case google::protobuf::Value::kNumberValue:
      return CelValue::Double(value.number_value());
    case google::protobuf::Value::kStringValue:
      return CelValue::String(value.string_value());
    case google::protobuf::Value::kStructValue:
      return CelValueFromStruct(value.struct_value());
    case google::protobuf::Value::kListValue: {
      CelValue::List list;
      for (const google::protobuf::Value& element :
           value.list_value().values()) {
        list.push_back(FromValue(element));
      }
      return CelValue::MakeList(std::move(list));
    }
    default:
      return CelValue();
  }
}

}  // namespace

CelValue CelValueFromStruct(const google::protobuf::Struct& object) {
  CelValue::Map map;
  for (const auto& [key, value] : object.fields()) {
    map.push_back({CelValue::String(key), FromValue(value)});
  }
  auto made = CelValue::MakeMap(std::move(map));
  LAMPLIGHTER_CHECK(made.ok(), "the keys of an object are texts, each once");
  return *std::move(made);
}

}  // namespace lamplighter::dispatcher
