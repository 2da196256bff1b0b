#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace lamplighter::ingest {

// 32 hex digits that stand for these parts in this order: equal parts have
// equal ids, others do not, however the text is divided among them.
std::string ContentId(absl::Span<const absl::string_view> parts);

}  // namespace lamplighter::ingest
