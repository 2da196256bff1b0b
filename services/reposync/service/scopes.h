#pragma once

#include "absl/strings/string_view.h"

namespace lamplighter::reposync {

// What a client of CatalogService may do.
inline constexpr char kCatalogRead[] = "catalog:read";
inline constexpr char kCatalogWrite[] = "catalog:write";
inline constexpr char kConnectionsWrite[] = "connections:write";
inline constexpr char kHooksWrite[] = "hooks:write";

inline constexpr absl::string_view kScopes[] = {kCatalogRead, kCatalogWrite,
                                                kConnectionsWrite, kHooksWrite};

}  // namespace lamplighter::reposync
