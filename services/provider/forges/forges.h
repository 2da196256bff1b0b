#pragma once

#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "services/provider/forges/forge.h"

namespace lamplighter::provider {

// A provider type, as Flux calls it, and what makes its forge.
struct ForgeFactory {
  absl::string_view provider_type;
  std::unique_ptr<Forge> (*make)();
};

// Every type there is.
absl::Span<const ForgeFactory> AllForges();

}  // namespace lamplighter::provider
