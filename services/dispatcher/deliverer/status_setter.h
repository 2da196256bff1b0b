#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"
#include "proto/lamplighter/v1/statuses.pb.h"

namespace lamplighter::dispatcher {

// Sets a status through a provider worker. The errors are those of
// ProviderService.
class StatusSetter {
 public:
  virtual ~StatusSetter() = default;

  // As part of the journey of `traceparent`, which may be empty.
  virtual boost::asio::awaitable<absl::StatusOr<v1::SetCommitStatusResponse>>
  Set(v1::SetCommitStatusRequest request, std::string traceparent) = 0;
};

}  // namespace lamplighter::dispatcher
