#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/provider/forges/forge.h"
#include "simdjson.h"

// GitLab's projects, which are its repositories.
namespace lamplighter::provider::gitlab {

// As of Forge::ListRepositories(): all projects that the credential's user is a
// member of, by id. No etags: GitLab counts a 304 as any other request.
boost::asio::awaitable<absl::StatusOr<RepositoryPage>> ListProjects(
    ForgeCall& call, std::string page);

// As of Forge::GetRepository().
boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>> GetProject(
    ForgeCall& call);

// What the credential may do with a project, as the API describes it.
// Unspecified where it is a member through a group that was invited: GitLab
// shows no level then.
v1::CatalogRepository::Access AccessOf(simdjson::dom::element project);

}  // namespace lamplighter::provider::gitlab
