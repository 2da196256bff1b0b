#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "boost/asio/awaitable.hpp"
#include "proto/lamplighter/v1/provider.pb.h"

namespace lamplighter::reposync {

// Keeps webhooks through the provider worker that serves a type of forge. The
// errors are those of ProviderService.
class HookWorker {
 public:
  virtual ~HookWorker() = default;

  virtual boost::asio::awaitable<absl::StatusOr<v1::EnsureWebhooksResponse>>
  Ensure(std::string type, v1::EnsureWebhooksRequest request) = 0;

  virtual boost::asio::awaitable<absl::StatusOr<v1::RemoveWebhooksResponse>>
  Remove(std::string type, v1::RemoveWebhooksRequest request) = 0;

  // OK where the worker has the account and the forge takes its credential.
  virtual boost::asio::awaitable<absl::Status> CheckCredential(
      std::string type, v1::Account account) = 0;
};

}  // namespace lamplighter::reposync
