#pragma once

#include "absl/types/span.h"
#include "tests/vectors/vector.h"

namespace lamplighter::vectors {

// A way in which Lamplighter differs from Flux on purpose. A rule looks at what
// was asked and at both answers, and explains the whole of the difference:
// whatever else differs is wrong.
struct Rule {
  const char* name;
  const char* why;  // a sentence, for people
  bool (*explains)(const Vector& vector, const Comparison& answers);
};

// Every difference there is; docs/flux-compatibility.md has the same.
absl::Span<const Rule> DeliberateDifferences();

// The first rule that explains why the answers differ; null where none does.
const Rule* FindRule(const Vector& vector, const Comparison& answers);

}  // namespace lamplighter::vectors
