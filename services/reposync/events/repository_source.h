#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/catalog.pb.h"
#include "services/reposync/store/connection_store.h"

namespace lamplighter::reposync {

// Where one repository is asked for.
class RepositorySource {
 public:
  virtual ~RepositorySource() = default;

  // The repository as the connection reaches it now. Errors are
  // ProviderService's.
  virtual boost::asio::awaitable<absl::StatusOr<v1::CatalogRepository>> Get(
      StoredConnection connection, std::string repository_id) = 0;
};

}  // namespace lamplighter::reposync
