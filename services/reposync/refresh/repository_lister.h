#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/store/connection_store.h"

namespace lamplighter::reposync {

// A listing that a provider worker makes, page by page.
class RepositoryPages {
 public:
  virtual ~RepositoryPages() = default;

  // The next page; none after the last. Errors are ProviderService's.
  virtual boost::asio::awaitable<
      absl::StatusOr<absl::optional<v1::ListRepositoriesResponse>>>
  Next() = 0;
};

// Lists what a connection reaches.
class RepositoryLister {
 public:
  virtual ~RepositoryLister() = default;

  // Begins a listing after request.page_token. request.account is set here.
  virtual absl::StatusOr<std::unique_ptr<RepositoryPages>> List(
      const StoredConnection& connection,
      v1::ListRepositoriesRequest request) = 0;
};

}  // namespace lamplighter::reposync
