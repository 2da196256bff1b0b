#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "services/reposync/store/connection_store.h"

namespace lamplighter::reposync {

// A listing that a provider worker makes, a few pages at a time.
class RepositoryPages {
 public:
  virtual ~RepositoryPages() = default;

  // The next pages in order: waits for one, and adds what has arrived by then,
  // kMaxPages at most, and no more once they have kMaxRepositories. Empty after
  // the last.
  // Errors are ProviderService's, after the pages that came before.
  virtual boost::asio::awaitable<
      absl::StatusOr<std::vector<v1::ListRepositoriesResponse>>>
  Next() = 0;

  static constexpr int kMaxPages = 10;
  static constexpr int kMaxRepositories = 1000;
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
