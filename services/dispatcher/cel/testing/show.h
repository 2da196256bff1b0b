#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "services/dispatcher/cel/cel_options.h"
#include "services/dispatcher/cel/cel_value.h"

namespace lamplighter::dispatcher {

// A value as an expression would write it: 1, 1u, 1.0, "a", [1, 2], {"a": 1},
// optional.of(1), int. Times as timestamp("...").
std::string Show(const CelValue& value);

// What an expression gives for an event of Flux (variables event, alert and
// provider), as Show() shows it; or "error: " and why it fails.
std::string Evaluated(absl::string_view source);
// The same with other options, and no variables but theirs.
std::string Evaluated(absl::string_view source, const CelOptions& options,
                      const CelBindings& bindings);

// As the router compiles a commitStatusExpr, but with a result of any type.
CelOptions FluxOptions();
CelBindings FluxBindings();

}  // namespace lamplighter::dispatcher
