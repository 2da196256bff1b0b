#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/app/app.h"

namespace lamplighter::dispatcher {

// The dispatcher, from section `dispatcher` of the configuration.
absl::StatusOr<std::unique_ptr<Service>> MakeDispatcher(AppContext& context);

}  // namespace lamplighter::dispatcher
