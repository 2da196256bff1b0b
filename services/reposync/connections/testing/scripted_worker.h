#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/grpcpp.h"
#include "proto/lamplighter/v1/provider.grpc.pb.h"

namespace lamplighter::reposync {

// A provider worker on loopback that says what it was told to.
class ScriptedWorker final : public v1::ProviderService::Service {
 public:
  ScriptedWorker() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }
  ~ScriptedWorker() override { server_->Shutdown(); }

  const std::string& address() const { return address_; }

  // What checks are answered with; an error goes first.
  void SayOfCredential(v1::CheckCredentialResponse answer,
                       grpc::Status error = grpc::Status::OK) {
    absl::MutexLock lock(&mu_);
    check_ = std::move(answer);
    error_ = std::move(error);
  }
  void SayOfConnections(v1::ListConnectionsResponse answer,
                        grpc::Status error = grpc::Status::OK) {
    absl::MutexLock lock(&mu_);
    connections_ = std::move(answer);
    error_ = std::move(error);
  }
  // Whose credentials were to be checked.
  std::vector<v1::Account> checked() const {
    absl::MutexLock lock(&mu_);
    return checked_;
  }

  grpc::Status CheckCredential(grpc::ServerContext* /*context*/,
                               const v1::CheckCredentialRequest* request,
                               v1::CheckCredentialResponse* response) override {
    absl::MutexLock lock(&mu_);
    checked_.push_back(request->account());
    *response = check_;
    return error_;
  }
  grpc::Status ListConnections(grpc::ServerContext* /*context*/,
                               const v1::ListConnectionsRequest* /*request*/,
                               v1::ListConnectionsResponse* response) override {
    absl::MutexLock lock(&mu_);
    *response = connections_;
    return error_;
  }

 private:
  mutable absl::Mutex mu_;
  v1::CheckCredentialResponse check_ ABSL_GUARDED_BY(mu_);
  v1::ListConnectionsResponse connections_ ABSL_GUARDED_BY(mu_);
  grpc::Status error_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::Account> checked_ ABSL_GUARDED_BY(mu_);
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace lamplighter::reposync
