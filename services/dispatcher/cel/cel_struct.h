#pragma once

#include "google/protobuf/struct.pb.h"
#include "services/dispatcher/cel/cel_value.h"

namespace lamplighter::dispatcher {

// A JSON object as a map, as Flux gives objects to expressions: numbers become
// doubles.
CelValue CelValueFromStruct(const google::protobuf::Struct& object);

}  // namespace lamplighter::dispatcher
