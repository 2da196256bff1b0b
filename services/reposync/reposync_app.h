#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/app/app.h"

namespace lamplighter::reposync {

// The catalog, from section `reposync` of the configuration: refreshes, events,
// webhooks, and CatalogService.
absl::StatusOr<std::unique_ptr<Service>> MakeReposync(AppContext& context);

// `reposync refresh --once`: refreshes one connection, or all of them where it
// is empty, one after the other, says on standard output what came of each, and
// ends the process: with status 1 where one is not done.
absl::StatusOr<std::unique_ptr<Service>> MakeRefreshOnce(
    AppContext& context, const std::string& connection);

}  // namespace lamplighter::reposync
