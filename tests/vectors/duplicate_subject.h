#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tests/vectors/vector.h"

namespace lamplighter::vectors {

// "duplicateGithubStatus want=(c,success,d)": whether a status is left unset
// because the forge shows it already. The input is what the forge shows, in
// words. Errors are those of Compare().
absl::StatusOr<Comparison> DuplicateSubject(const Vector& vector);

// What `text` says of each status, in the order of the forge's list: "newest
// failed, older identical" is two.
std::vector<std::string> StatusesIn(absl::string_view text);

}  // namespace lamplighter::vectors
