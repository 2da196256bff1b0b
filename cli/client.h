#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "CLI/App.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "proto/lamplighter/v1/catalog_service.grpc.pb.h"
#include "proto/lamplighter/v1/status_service.grpc.pb.h"

namespace lamplighter::cli {

// Where a server is, and who we are to it. StatusService, if nothing else is
// said.
struct ClientOptions {
  std::string address = "127.0.0.1:50053";
  // What the configuration calls it, and the environment its address.
  const char* section = "dispatcher.status_service";
  const char* address_env = "LAMPLIGHTER_ADDRESS";
  std::string token_file;
  std::string ca_file;    // the system's authorities where empty
  std::string cert_file;  // ours, to be known by
  std::string key_file;
  bool plaintext = false;  // beyond loopback
  std::string timeout = "1m";
};

// Where CatalogService is.
ClientOptions CatalogOptions();

// Adds options --address, --token-file, ... to a command. `options` outlives
// it.
void AddClientOptions(CLI::App& command, ClientOptions& options);

// Calls StatusService and CatalogService.
class Client {
 public:
  // InvalidArgument or NotFound, naming the file, for what cannot be used.
  static absl::StatusOr<std::unique_ptr<Client>> Create(
      const ClientOptions& options);

  v1::StatusService::Stub& stub() { return *stub_; }
  v1::CatalogService::Stub& catalog() { return *catalog_; }

  // For one call, with the token and the deadline in it.
  std::unique_ptr<grpc::ClientContext> NewContext() const;
  // For one that goes on until it is ended.
  std::unique_ptr<grpc::ClientContext> NewEndlessContext() const;

 private:
  Client(std::shared_ptr<grpc::Channel> channel, std::string token,
         absl::Duration timeout);

  const std::unique_ptr<v1::StatusService::Stub> stub_;
  const std::unique_ptr<v1::CatalogService::Stub> catalog_;
  const std::string token_;
  const absl::Duration timeout_;
};

// Says on `err` what went wrong and what may help; the exit status for it.
int Fail(const absl::Status& error, const ClientOptions& options,
         std::ostream& err);

// Says on `err` how a watch that ends here is gone on with, if it is known.
void TellToken(const std::string& resume_token, std::ostream& err);

// "90s", "2h", "7d". InvalidArgument for what is no positive duration.
absl::StatusOr<absl::Duration> ReadDuration(const std::string& text);

}  // namespace lamplighter::cli
