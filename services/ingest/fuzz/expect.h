#pragma once

#include "common/log/log.h"

namespace lamplighter {

// Ends a fuzz test where `holds` is false; libFuzzer shows the stack and keeps
// the input.
inline void Expect(bool holds) {
  LAMPLIGHTER_CHECK(holds, "what must always hold does not");
}

}  // namespace lamplighter
