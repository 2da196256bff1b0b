#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/kafka/record.h"

namespace lamplighter::ingest {

// A record as the spool's file holds it: one string of bytes, which costs one
// allocation. Files of earlier versions must stay readable: a change needs a
// new version of the file's schema.
std::string EncodeRecord(const Record& record);

// DataLoss for what EncodeRecord() did not make.
absl::StatusOr<Record> DecodeRecord(absl::string_view bytes);

}  // namespace lamplighter::ingest
