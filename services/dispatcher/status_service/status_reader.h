#pragma once

#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"

namespace lamplighter::dispatcher {

// Reads the statuses of a commit through a provider worker. The errors are
// those of ProviderService.
class StatusReader {
 public:
  virtual ~StatusReader() = default;

  virtual boost::asio::awaitable<absl::StatusOr<v1::ListCommitStatusesResponse>>
  List(v1::ListCommitStatusesRequest request) = 0;
};

}  // namespace lamplighter::dispatcher
