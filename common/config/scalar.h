#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace lamplighter::config_internal {

// Whether a field's value is written as one word in YAML: everything but
// messages, google.protobuf.Duration excepted.
bool IsScalar(const google::protobuf::FieldDescriptor& field);

// Sets `field` of `message` to what `text` means, or adds it if repeated.
// InvalidArgument says what is wrong, for people, without the field's name.
absl::Status SetScalar(absl::string_view text,
                       const google::protobuf::FieldDescriptor& field,
                       google::protobuf::Message& message);

}  // namespace lamplighter::config_internal
